/**
 * Who somebody is, by the word of AWS alone: a presigned GetCallerIdentity of STS, whose signature also covers a digest of what he
 * says. Whoever gets it sends it to STS, which checks the signature and answers with the identity.
 *
 * Where it is sent is decided here and never by what was handed over: a region of the SDK's partition list, or an endpoint that the
 * verifier's configuration names. Neither environment variables, profiles nor proxies of the verifier say where STS is or which
 * authorities vouch for it. Only parts are handed over, and the request is built anew from them: another action, another host, or a
 * digest outside of the signature cannot be written in them.
 */
import { request as requestPlain, type IncomingMessage } from 'node:http';
import { request as requestSecure } from 'node:https';
import { rootCertificates } from 'node:tls';
import { partition } from '@aws-sdk/core/client';
import { Sha256 } from '@smithy/core/checksum';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentialIdentityProvider } from '@smithy/types';
import { proofPatterns, readProof, type CallerProof } from './caller-proof-shape.ts';

/** AWS's answer. */
export interface CallerAnswer {
  readonly arn: string;
  readonly account: string;
  readonly userId: string;
  readonly requestId: string;
}

export type CallerVerdict =
  | { readonly kind: 'known'; readonly answer: CallerAnswer }
  | { readonly kind: 'refused'; readonly why: string };

/** The longest that STS lets a presigned request live. */
export const proofSeconds = 900;
/** Signed together with `host`, and with nothing else. */
const header = 'x-belay-decision-sha256';
const replyBytesMax = 16 * 1024;
const replyMs = 10_000;

/** `endpoint`: of STS, where configuration names one. Undefined: the SDK's list has no such region. */
export function endpointOf(region: string, endpoint: string | null): URL | undefined {
  if (!proofPatterns.region.test(region)) return undefined;
  if (endpoint !== null) return URL.parse(endpoint) ?? undefined;
  // What the list does not have, it takes for a region of its first partition: that may be anybody's name below amazonaws.com.
  const found = partition(region);
  return 'description' in found ? new URL(`https://sts.${region}.${found.dnsSuffix}/`) : undefined;
}

/** `digest`: hex SHA-256. Undefined: there is no such region. Rejects with what keeps credentials from being had. */
export async function proveCaller(
  digest: string,
  region: string,
  endpoint: string | null,
  credentials: AwsCredentialIdentityProvider,
): Promise<CallerProof | undefined> {
  const url = endpointOf(region, endpoint);
  if (url === undefined) return undefined;
  const asked = new HttpRequest({
    method: 'GET',
    protocol: url.protocol,
    hostname: url.hostname,
    path: '/',
    headers: { host: url.host, [header]: digest },
    query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
  });
  const signer = new SignatureV4({ credentials, region, service: 'sts', sha256: Sha256 });
  const { query = {} } = await signer.presign(asked, { expiresIn: proofSeconds });
  const part = (name: string): string => String(query[name] ?? '');
  return readProof({
    region,
    accessKeyId: part('X-Amz-Credential').split('/')[0] ?? '',
    date: part('X-Amz-Date'),
    signature: part('X-Amz-Signature'),
    ...(query['X-Amz-Security-Token'] === undefined ? {} : { sessionToken: part('X-Amz-Security-Token') }),
  });
}

/** Asks STS. Never rejects. `now`: ms since 1970. */
export async function askCaller(
  proof: CallerProof,
  digest: string,
  endpoint: string | null,
  now: number,
): Promise<CallerVerdict> {
  const { region, accessKeyId, date, signature, sessionToken } = proof;
  const url = endpointOf(region, endpoint);
  if (url === undefined) return refused(`there is no region ${region}`);
  const age = (now - signedAt(date)) / 1000;
  if (!(age <= proofSeconds)) return refused('what it proves has expired: STS takes it for 15 minutes');
  const query = new URLSearchParams({
    Action: 'GetCallerIdentity',
    Version: '2011-06-15',
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${accessKeyId}/${date.slice(0, 8)}/${region}/sts/aws4_request`,
    'X-Amz-Date': date,
    'X-Amz-Expires': String(proofSeconds),
    'X-Amz-SignedHeaders': `host;${header}`,
    ...(sessionToken === undefined ? {} : { 'X-Amz-Security-Token': sessionToken }),
    'X-Amz-Signature': signature,
  });
  try {
    const { status, body } = await get(new URL(`/?${query.toString()}`, url), { [header]: digest });
    if (status === 200) return known(body, partition(region).name);
    const code = /<Code>([A-Za-z0-9.]{1,80})<\/Code>/.exec(body)?.[1];
    if (status >= 300 && status < 400) return refused(`${url.host} redirects, and that is not followed`);
    return refused(`${url.host} refused it: ${code ?? `HTTP ${status}`}`);
  } catch (error) {
    return refused(
      `${url.host} could not be asked: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** Ms since 1970; NaN: there is no such instant. */
export function signedAt(date: string): number {
  const [, year, month, day, hour, minute, second] = /^(.{4})(..)(..)T(..)(..)(..)Z$/.exec(date) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

/** Strictly: whatever else an endpoint says is no answer of STS. */
function known(body: string, partitionName: string): CallerVerdict {
  const only = (name: string, pattern: string): string | undefined => {
    const all = Array.from(
      body.matchAll(new RegExp(`<${name}>(${pattern})</${name}>`, 'g')),
      ([, text]) => text,
    );
    const isOnce = body.split(`<${name}>`).length === 2;
    return isOnce ? all[0] : undefined;
  };
  const arn = only('Arn', 'arn:[a-z-]{3,20}:(?:iam|sts)::\\d{12}:[\\x21-\\x25\\x27-\\x3b\\x3d-\\x7e]{1,600}');
  const account = only('Account', '\\d{12}');
  const userId = only('UserId', '[A-Za-z0-9_+=,.@:-]{1,200}');
  const requestId = only('RequestId', '[A-Za-z0-9-]{1,100}') ?? '';
  if (
    !body.includes('<GetCallerIdentityResult>') ||
    arn === undefined ||
    account === undefined ||
    userId === undefined
  )
    return refused('what answered is no answer of STS');
  if (arn.split(':')[1] !== partitionName || arn.split(':')[4] !== account)
    return refused(`STS of ${partitionName} answered with an identity of elsewhere`);
  return { kind: 'known', answer: { arn, account, userId, requestId } };
}

interface Reply {
  readonly status: number;
  readonly body: string;
}

/** One request over a connection of its own, to exactly this address. */
function get(url: URL, headers: Readonly<Record<string, string>>): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const options = {
      headers,
      agent: false as const,
      signal: AbortSignal.timeout(replyMs),
      maxHeaderSize: replyBytesMax,
    };
    const hear = (reply: IncomingMessage): void => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      reply.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > replyBytesMax)
          asking.destroy(new Error(`its reply has more than ${replyBytesMax} bytes`));
      });
      reply.on('end', () =>
        resolve({ status: reply.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
      );
      reply.on('error', reject);
    };
    // Given here, neither NODE_EXTRA_CA_CERTS nor NODE_TLS_REJECT_UNAUTHORIZED counts.
    const secure = { ...options, ca: [...rootCertificates], rejectUnauthorized: true };
    const asking =
      url.protocol === 'https:' ? requestSecure(url, secure, hear) : requestPlain(url, options, hear);
    asking.on('error', (error) =>
      reject(options.signal.aborted ? new Error(`it did not answer within ${replyMs / 1000} s`) : error),
    );
    asking.end();
  });
}

function refused(why: string): CallerVerdict {
  return { kind: 'refused', why };
}
