/** Whatever can go wrong with one attempt → AwsFailure: what was attempted, what came back, what to do next. */
import { STATUS_CODES } from 'node:http';
import { isClockSkewCorrectedError, isThrottlingError } from '@smithy/core/retry';
import { AwsFailure } from '../aws.ts';
import type { BodyKind } from './body-kind.ts';
import { requestIdIn } from './decode.ts';
import { ExchangeBroken, type Exchange, REPLY_TOO_LARGE } from './http.ts';
import { laterOf, retryAfterMs } from './later.ts';
import type { Protocol } from './model-format.ts';

export interface AttemptContext {
  readonly service: string;
  readonly operation: string;
  readonly region: string;
  readonly readOnly: boolean;
  readonly exchange: Exchange;
  readonly signal: AbortSignal | undefined;
}

/** What the SDK's protocols throw. */
interface SdkError extends Error {
  readonly $metadata?: {
    readonly httpStatusCode?: number;
    readonly requestId?: string;
    readonly clockSkewCorrected?: true;
  };
  readonly Error?: { readonly Code?: unknown };
}

function isSdkError(error: unknown): error is SdkError {
  return error instanceof Error;
}

interface Verdict {
  readonly code: string;
  /** Follows `ec2 StopInstances in eu-west-1`. */
  readonly says: string;
  readonly retryable: boolean;
  /** The service may have acted on the call. */
  readonly doubtful: boolean;
  readonly requestId?: string | undefined;
}

export function toFailure(error: unknown, context: AttemptContext): AwsFailure {
  const { service, operation, region, readOnly, exchange } = context;
  const verdict = judge(error, context);
  return new AwsFailure({
    code: verdict.code,
    message: `${service} ${operation} in ${region} ${verdict.says}`,
    retryable: verdict.retryable,
    effect: verdict.doubtful && !readOnly ? 'unknown' : 'none',
    httpStatus: exchange.status,
    retryAfterMs: retryAfterMs(exchange.retryAfter, Date.now()),
    requestId: verdict.requestId,
    cause: causeOf(error, exchange),
  });
}

/** The SDK hangs the whole reply onto its errors, secrets included; the cause of a failure ends in logs. */
function causeOf(error: unknown, { status }: Exchange): unknown {
  if (error instanceof ExchangeBroken || error instanceof AwsFailure || !(error instanceof Error))
    return error;
  const isParsed = status === undefined || (isSdkError(error) && codeOf(error) !== undefined);
  return Object.assign(new Error(isParsed ? error.message : 'the reply could not be read'), {
    name: error.name,
  });
}

function judge(error: unknown, context: AttemptContext): Verdict {
  const { exchange, signal } = context;
  if (signal?.aborted === true) {
    const says = exchange.sent
      ? 'was cancelled while it waited for the reply.'
      : 'was cancelled before it was sent.';
    return { code: 'CANCELLED', says, retryable: false, doubtful: exchange.sent };
  }
  if (error instanceof ExchangeBroken) return judgeBroken(error, exchange);
  if (exchange.status === undefined) return judgePreparation(error);
  return judgeReply(isSdkError(error) ? error : new Error(String(error)), exchange);
}

/** TLS said no: trying again changes nothing. */
const CERTIFICATE_PROBLEM =
  /^(?:CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO)/;

function judgeBroken(error: ExchangeBroken, { sent, origin = 'the endpoint' }: Exchange): Verdict {
  if (!sent) {
    const isUntrusted = CERTIFICATE_PROBLEM.test(error.code);
    const advice = isUntrusted
      ? 'Check the certificate authority (AWS_CA_BUNDLE) and AWS_ENDPOINT_URL.'
      : 'Check the network, the proxy, the region and AWS_ENDPOINT_URL.';
    return {
      code: 'UNREACHABLE',
      says: `did not reach ${origin}: ${error.message}. Nothing was sent. ${advice}`,
      retryable: !isUntrusted,
      doubtful: false,
    };
  }
  return {
    code: 'NO_REPLY',
    says: `was sent to ${origin}, but the reply was lost: ${error.message} (${error.code}).`,
    retryable: error.code !== REPLY_TOO_LARGE,
    doubtful: true,
  };
}

const NO_CREDENTIALS = new Set(['CredentialsProviderError', 'TokenProviderError', 'ProviderError']);

/** Before the first byte: credentials were looked for, the endpoint chosen, the request written and signed. */
function judgePreparation(error: unknown): Verdict {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (NO_CREDENTIALS.has(name)) {
    const advice =
      'Set AWS_PROFILE, run `aws sso login`, export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the instance a role.';
    const profile = process.env['AWS_PROFILE'] ?? '';
    const where = profile === '' ? '' : ` in profile ${profile} (AWS_PROFILE)`;
    const says = `needs AWS credentials and found none${where}: ${oneLine(message)}. ${advice}`;
    return { code: 'NO_CREDENTIALS', says, retryable: false, doubtful: false };
  }
  if (error instanceof AwsFailure) {
    const says = `could not get its credentials: ${error.message}`;
    return {
      code: error.code,
      says,
      retryable: error.retryable,
      doubtful: false,
      requestId: error.requestId,
    };
  }
  const metadata = isSdkError(error) ? error.$metadata : undefined;
  if (metadata !== undefined) {
    const says = `could not get its credentials: ${name}: ${oneLine(message)}. Check the profile and its role.`;
    return { code: name, says, retryable: false, doubtful: false, requestId: metadata.requestId };
  }
  const says = `could not be prepared: ${oneLine(message)}. Check the region and the endpoint settings.`;
  return { code: 'UNREACHABLE', says, retryable: false, doubtful: false };
}

/** A page for a browser: a proxy, a portal, a stand-in for AWS that lacks the operation. */
const WEB_PAGE = /^\s*<(?:!doctype\s+html|html)[\s>]/i;

/**
 * Whether a reply with status 200 can be the service's. The SDK reads a portal's page as a reply without members, which
 * would be "no such instance". Query services never answer with nothing. Where the body is bytes of the customer's own, it
 * may be a page, and then the request id says who answered.
 */
export function isReplyOf(protocol: Protocol, { body, isIdentified }: Exchange, kind: BodyKind): boolean {
  const head = body?.subarray(0, 1_024).toString('utf8') ?? '';
  if (WEB_PAGE.test(head)) return kind === 'raw' && isIdentified === true;
  const start = head.trim();
  if (protocol === 'ec2' || protocol === 'query') return start !== '';
  const isJson = protocol === 'json' || protocol === 'rest-json';
  return !isJson || kind !== 'members' || start === '' || start.startsWith('{');
}

/** A service that has run out of machines says so with status 500, and has started none. */
const OUT_OF_CAPACITY = /^Insufficient\w*(?:Capacity|InSubnet)\w*$/;
const EXPIRED = new Set(['ExpiredToken', 'ExpiredTokenException', 'RequestExpired']);
const UNKNOWN_KEYS = new Set([
  'AuthFailure',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
]);

function judgeReply(error: SdkError, exchange: Exchange): Verdict {
  const status = exchange.status ?? 0;
  const text = exchange.body?.toString('utf8') ?? '';
  const code = codeOf(error) ?? codeOfStatus(exchange);
  const requestId = error.$metadata?.requestId ?? requestIdIn(exchange.body);
  if (status < 300 || code === undefined || WEB_PAGE.test(text.slice(0, 1_024))) {
    const kind = exchange.contentType === '' ? 'nothing that says what it is' : exchange.contentType;
    return {
      code: 'NO_REPLY',
      says: `got HTTP ${status} with ${kind} from ${exchange.origin}, which is not a reply of the service. Check AWS_ENDPOINT_URL and the proxy; a stand-in for AWS may lack the operation.`,
      retryable: status >= 500,
      doubtful: status < 300 || status >= 500,
      requestId,
    };
  }
  const { $metadata } = error;
  const message = wordsOf(error, exchange);
  const coded = { name: code, message, $metadata: { ...$metadata } };
  const isThrottled = isThrottlingError(coded);
  const isRefused =
    status < 500 || isThrottled || OUT_OF_CAPACITY.test(code) || laterOf({ code, message }) !== undefined;
  return {
    code,
    says: `was ${isRefused ? 'refused' : 'not completed'}: ${code}: ${sentence(message)}${adviceFor(code)}`,
    retryable: isThrottled || status >= 500 || isClockSkewCorrectedError(coded) === true,
    doubtful: !isRefused,
    requestId,
  };
}

/** A reply to HEAD has no body, and then its status is all that the service says. */
function codeOfStatus({ status = 0, body, isIdentified }: Exchange): string | undefined {
  if (status < 300 || isIdentified !== true || (body?.length ?? 0) > 0) return undefined;
  return STATUS_CODES[status]?.replaceAll(/\W/g, '');
}

/** The SDK writes these where the reply has no message. */
function wordsOf({ message }: SdkError, { status = 0 }: Exchange): string {
  return message === 'UnknownError' || message === 'Unknown' || message === ''
    ? `HTTP ${status}, and no further word`
    : message;
}

/** The code on the wire. A json service that used to speak query gives its old code beside the new one. */
function codeOf(error: SdkError): string | undefined {
  const queryCode = error.Error?.Code;
  const code = typeof queryCode === 'string' && queryCode !== '' ? queryCode : error.name;
  return ['Error', 'SyntaxError', 'TypeError', 'Unknown', ''].includes(code) ? undefined : code;
}

function adviceFor(code: string): string {
  if (EXPIRED.has(code))
    return ' The credentials have run out: renew them (`aws sso login`, or a new session) and resume.';
  return UNKNOWN_KEYS.has(code)
    ? ' AWS does not accept these credentials: check AWS_PROFILE and the access key.'
    : '';
}

function sentence(text: string): string {
  const line = oneLine(text);
  return /[!?]$/.test(line) ? line : `${line}.`;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().replace(/\.$/, '');
}
