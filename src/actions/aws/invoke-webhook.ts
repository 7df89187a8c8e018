/**
 * aws:invokeWebhook: one POST to an integration that Systems Manager keeps: its address, headers and usual body are a
 * SecureString of Parameter Store, which is read when the step acts and goes nowhere else.
 */
import { Type, type Static } from 'typebox';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import {
  ActionFailure,
  defineAction,
  done,
  failed,
  type ActionContext,
  type Poll,
} from '../define-action.ts';
import { strictObject } from '../strict-object.ts';
import { objectIn, textIn } from './reply.ts';
import { firstBytes } from '../http/first-bytes.ts';

type Handle = { readonly Response: string; readonly ResponseCode: number };

/** Where Systems Manager keeps webhook integrations (SSM User Guide, invoke-webhook). */
const folder = '/d9d01087-4a3f-49e0-b0b4-d568d7826553/ssm/integrations/webhook/';
const responseBytesMax = 48 * 1024;
const toldCharactersMax = 500;
/** Shorter values may be in a reply by chance. */
const secretCharactersMin = 6;

const inputs = strictObject({
  IntegrationName: Type.String({
    minLength: 1,
    maxLength: 900,
    pattern: String.raw`^[a-zA-Z0-9_.\-/]+$`,
    description: `The name, or the name of its parameter ${folder}NAME.`,
  }),
  Body: Type.Optional(
    Type.Union([Type.String(), Type.Unsafe<JsonObject>(Type.Object({}, { additionalProperties: true }))], {
      description:
        "Instead of the integration's own payload. The receiver keeps it: secrets belong into the integration.",
    }),
  ),
});
type Inputs = Static<typeof inputs>;

export const invokeWebhook = defineAction({
  name: 'aws:invokeWebhook',
  summary: 'Sends a request to a webhook integration of Systems Manager; any status but 2xx fails the step.',
  source: 'https://docs.aws.amazon.com/systems-manager/latest/userguide/invoke-webhook.html',
  example: `
- name: TellOnCall
  action: aws:invokeWebhook
  inputs:
    IntegrationName: on-call
    Body: '{"text": "{{ InstanceId }} is patched"}'
`,
  inputs,
  outputs: strictObject({
    Response: Type.String({ description: 'What the receiver answered, at most 48 KB.' }),
    ResponseCode: Type.Integer({ description: 'The HTTP status.' }),
  }),
  timeoutSeconds: undefined,
  permissions: () => ['ssm:GetParameter'],
  targets: ({ IntegrationName }) => [IntegrationName],
  hasHostTargets: false,

  effect: {
    kind: 'begun',
    /** The receiver knows no token of ours: what was sent is never sent again. */
    begin: async ({ IntegrationName, Body }: Inputs, _before, context): Promise<Handle> => {
      const integration = await readIntegration(IntegrationName, context);
      return send(integration, textOf(Body) ?? integration.payload, context);
    },
    adopt: ({ IntegrationName }) =>
      Promise.resolve({
        kind: 'unknown',
        why: `the request to ${IntegrationName} was sent and its answer is lost; look at the receiver whether it came`,
      }),
    poll: ({ Response, ResponseCode }: Handle, { IntegrationName }): Promise<Poll<Handle>> => {
      const outputs = { Response, ResponseCode };
      if (ResponseCode >= 200 && ResponseCode < 300) return Promise.resolve(done(outputs));
      const said = Response.replaceAll(/\s+/g, ' ').trim().slice(0, toldCharactersMax);
      const message = `the receiver of ${IntegrationName} answered HTTP ${ResponseCode}${said === '' ? ' and nothing else' : `: ${said}`}`;
      return Promise.resolve(failed('WEBHOOK_FAILED', message, { outputs }));
    },
    settleMs: 0,
  },
  undo: {
    kind: 'none',
    reason: 'nobody but the receiver knows what a webhook changed; give the step an undo: of its own',
    leavesChange: true,
  },
});

interface Integration {
  readonly name: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: string | undefined;
}

async function readIntegration(name: string, { aws, signal }: ActionContext): Promise<Integration> {
  const params = { Name: name.startsWith('/') ? name : `${folder}${name}`, WithDecryption: true };
  const call = { service: 'ssm', operation: 'GetParameter', params, signal };
  const reply = await aws.call(call, { reveal: true });
  const stored = parsed(textIn(objectIn(reply, 'Parameter'), 'Value'));
  const wrong = (what: string): ActionFailure =>
    new ActionFailure({
      code: 'BAD_INTEGRATION',
      message: `the integration ${name} ${what}; nothing was sent`,
    });
  if (stored === undefined) throw wrong('is not a JSON object with a url');
  const url = URL.parse(textIn(stored, 'url'));
  if (url === null) throw wrong('has no url that can be read');
  if (url.protocol !== 'https:') throw wrong('does not go to https, and Systems Manager takes nothing else');
  const headers: Record<string, string> = {};
  for (const [key, value] of Object.entries(objectIn(stored, 'headers'))) {
    if (typeof value !== 'string') throw wrong(`has a header ${key} that is not text`);
    headers[key] = value;
  }
  return { name, url, headers, payload: textOf(stored['payload']) };
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value: Json = JSON.parse(text) as Json;
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function textOf(body: Json | undefined): string | undefined {
  return body === undefined || body === null || typeof body === 'string'
    ? (body ?? undefined)
    : JSON.stringify(body);
}

async function send(
  integration: Integration,
  body: string | undefined,
  { fetch, signal }: ActionContext,
): Promise<Handle> {
  const { name, url, headers } = integration;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'belay', ...lowerCase(headers) },
      ...(body === undefined ? {} : { body }),
      // What is meant for one receiver goes to no other.
      redirect: 'manual',
      signal,
    });
    return {
      ResponseCode: response.status,
      Response: hidden(await firstBytes(response, responseBytesMax), integration),
    };
  } catch (error) {
    if (error instanceof ActionFailure) throw error;
    const [code, why] = reasonOf(error);
    const isUnsent = beforeSending.test(code);
    throw new ActionFailure({
      code: isUnsent ? 'UNREACHABLE' : 'NO_REPLY',
      message: isUnsent
        ? `the receiver of ${name} (${url.host}) was not reached: ${hidden(why, integration)}; nothing was sent`
        : `the request to ${name} (${url.host}) was sent, and its answer was lost: ${hidden(why, integration)}`,
      retryable: isUnsent,
      effect: isUnsent ? 'none' : 'unknown',
    });
  }
}

/** No connection came about, or TLS refused it: not a byte of the request has left. */
const beforeSending =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH)/;

const lowerCase = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

/** fetch says only "fetch failed"; what happened is in its cause. */
function reasonOf(error: unknown): readonly [code: string, why: string] {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const first = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause;
  const code = typeof first === 'object' && first !== null && 'code' in first ? String(first.code) : '';
  return [code, first instanceof Error ? first.message : String(first)];
}

/** A receiver may send back what it was sent: the address and the headers of the integration are its secrets. */
function hidden(text: string, { url, headers }: Integration): string {
  const secrets = [url.href, `${url.pathname}${url.search}`, ...Object.values(headers)];
  return secrets
    .filter((secret) => secret.length >= secretCharactersMin)
    .sort((a, b) => b.length - a.length)
    .reduce((shown, secret) => shown.replaceAll(secret, '***'), text);
}
