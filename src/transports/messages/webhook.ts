/**
 * A message to an HTTP receiver: one POST, which is never sent on. Signed by the Standard Webhooks specification
 * (https://www.standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body`.
 */
import { createHmac } from 'node:crypto';
import { request as requestPlain, type IncomingMessage } from 'node:http';
import { request as requestSecure } from 'node:https';
import { answered, attemptMs, troubleText, type Delivery, type Letter } from './delivery.ts';

export interface WebhookReceiver {
  readonly url: string;
  readonly format: 'json' | 'slack';
  readonly signWith?: string;
  readonly bearer?: string;
  /** Trusted instead of the usual authorities, PEM. */
  readonly ca?: string;
}

/** Of a reply only its beginning is read, for what is said of a failure. */
const replyBytesMax = 4_096;
/** Bytes of the lines above a reply's body. */
const headerBytesMax = 16_384;

/** `now`: for the signature's timestamp, ms since 1970. */
export function postMessage(
  receiver: WebhookReceiver,
  letter: Letter,
  { now, signal }: { readonly now: number; readonly signal: AbortSignal },
): Promise<Delivery> {
  const url = new URL(receiver.url);
  const body = bodyOf(receiver.format, letter);
  const secrets = [
    receiver.signWith ?? '',
    receiver.bearer ?? '',
    url.pathname.length > 8 ? url.pathname : '',
  ];
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    'user-agent': 'belay',
    // RFC draft-ietf-httpapi-idempotency-key-header: a quoted string.
    'idempotency-key': `"${letter.id}"`,
    ...(receiver.bearer === undefined ? {} : { authorization: `Bearer ${receiver.bearer}` }),
    ...(receiver.signWith === undefined ? {} : signature(receiver.signWith, letter.id, now, body)),
  };
  const failed = (why: string): Delivery => ({ kind: 'failed', why: `${url.host}: ${why}` });
  return new Promise((resolve) => {
    const ask = url.protocol === 'https:' ? requestSecure : requestPlain;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(attemptMs)]);
    try {
      const request = ask(
        url,
        {
          method: 'POST',
          headers,
          agent: false,
          signal: limit,
          maxHeaderSize: headerBytesMax,
          ...(receiver.ca === undefined ? {} : { ca: receiver.ca }),
        },
        (reply) => {
          void judged(reply, secrets).then((delivery) => {
            request.destroy();
            resolve(
              delivery.kind === 'failed' ? { ...delivery, why: `${url.host}: ${delivery.why}` } : delivery,
            );
          });
        },
      );
      request.on('error', (error) =>
        resolve(
          failed(
            limit.aborted
              ? signal.aborted
                ? 'it had not answered when Belay ended'
                : `it did not answer within ${attemptMs / 1000} s`
              : troubleText(error, secrets),
          ),
        ),
      );
      request.end(body);
    } catch (error) {
      resolve(failed(troubleText(error, secrets)));
    }
  });
}

/** A redirect is a failure: the message and its secrets go where belay.yaml says, and nowhere else. */
async function judged(reply: IncomingMessage, secrets: readonly string[]): Promise<Delivery> {
  const { statusCode = 0, headers } = reply;
  if (statusCode >= 200 && statusCode < 300) return { kind: 'delivered', receipt: `HTTP ${statusCode}` };
  if (statusCode >= 300 && statusCode < 400) {
    const to = URL.parse(headers.location ?? '')?.host;
    const where = to === undefined ? '' : ` to ${answered(to).slice(0, 80)}`;
    return {
      kind: 'failed',
      why: `HTTP ${statusCode}: it redirects${where}, and redirects are not followed`,
    };
  }
  const said = answered(await beginning(reply), secrets);
  const retryAfterMs = retryAfterOf(headers['retry-after']);
  return {
    kind: 'failed',
    why: `HTTP ${statusCode}${said === '' ? '' : `: ${said}`}`,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** Resolves when there is enough, when the reply ends, and when it breaks. */
function beginning(reply: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const end = (): void => resolve(Buffer.concat(chunks).subarray(0, replyBytesMax).toString('utf8'));
    reply.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= replyBytesMax) end();
    });
    reply.on('end', end);
    reply.on('error', end);
    reply.on('close', end);
  });
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfterOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  return /^\d{1,9}$/.test(header) ? Number(header) * 1000 : undefined;
}

/** The key as it is; with the prefix `whsec_`, base64 behind it, as the specification has it. */
function signature(key: string, id: string, now: number, body: string): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(now / 1000));
  const bytes = key.startsWith('whsec_')
    ? Buffer.from(key.slice('whsec_'.length), 'base64')
    : Buffer.from(key);
  const signed = createHmac('sha256', bytes).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signed}` };
}

function bodyOf(format: 'json' | 'slack', { id, subject, text, fields }: Letter): string {
  if (format === 'json') return JSON.stringify({ schemaVersion: 1, ...fields, messageId: id, subject, text });
  return JSON.stringify({
    text: `*${slackText(subject)}*\n\`\`\`\n${slackText(text).replaceAll('```', "'''")}\n\`\`\``,
  });
}

/** Slack reads three characters as orders (https://docs.slack.dev/messaging/formatting-message-text). */
function slackText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
