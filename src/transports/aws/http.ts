/**
 * The HTTP side of a call. It exists beside the SDK's own handler because Belay must know, for every failure, whether the
 * request may have reached the service; and because a time limit must cover the reply's body too.
 */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';
import { HttpResponse, buildQueryString } from '@smithy/core/protocols';
import type { HttpRequest, RequestHandler } from '@smithy/types';

/** How long the connection may take to stand, TLS included. */
export const CONNECT_TIMEOUT_MS = 5_000;
/** How long the whole exchange may take; the limit that SSM Automation gives aws:executeAwsApi. */
export const REQUEST_TIMEOUT_MS = 25_000;
/** The largest AWS reply is a few MB; beyond this the endpoint is not AWS. */
const REPLY_BYTES_MAX = 64 * 1024 * 1024;
/** What a step can hold of an object that somebody stored: it goes into the journal, and into later steps. */
export const RAW_BYTES_MAX = 4 * 1024 * 1024;
const CONNECTIONS_MAX = 50;
const REQUEST_ID = /^x-amzn?-request-?id$/;

/** What is known of one attempt; filled while it runs, read when it failed. */
export interface Exchange {
  /** `https://ec2.eu-west-1.amazonaws.com`; undefined until a request was made. */
  origin?: string;
  /** From the moment at which the first byte of the request may have left. */
  sent: boolean;
  status?: number;
  contentType?: string;
  /** As the reply has it. */
  retryAfter?: string;
  /** The reply carries a request id, as every service of AWS gives one. */
  isIdentified?: boolean;
  body?: Buffer;
}

export interface SendOptions {
  readonly exchange?: Exchange;
  /**
   * A connection of its own for a call that must not be repeated: on a kept connection a reset because the other side
   * had just closed it looks the same as a lost reply.
   */
  readonly ownConnection?: boolean;
  readonly abortSignal?: AbortSignal;
  /** For this exchange, instead of the handler's own. */
  readonly requestMs?: number;
  /** The body of the reply is the customer's own and must not be touched (`body-kind.ts`). */
  readonly isRawReply?: boolean;
}

export interface HttpTimeouts {
  readonly connectMs: number;
  readonly requestMs: number;
}

/** The exchange broke before a whole reply was there. `code` is Node's (`ECONNRESET`) or one of the two below. */
export class ExchangeBroken extends Error {
  override readonly name = 'ExchangeBroken';
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
export const TIMED_OUT = 'TIMED_OUT';
export const REPLY_TOO_LARGE = 'REPLY_TOO_LARGE';

type HttpHandler = RequestHandler<HttpRequest, HttpResponse, SendOptions>;

export function createHttpHandler(timeouts: HttpTimeouts): HttpHandler {
  const ca = certificates();
  const shared = { proxyEnv: process.env, ...(ca !== undefined && { ca }) };
  const kept = { ...shared, keepAlive: true, maxSockets: CONNECTIONS_MAX };
  // With a limit, Node hands a used connection to the next request in the queue; the caller limits these.
  const own = { ...shared, keepAlive: false, maxSockets: Infinity };
  const agents = {
    'http:': { kept: new http.Agent(kept), own: new http.Agent(own) },
    'https:': { kept: new https.Agent(kept), own: new https.Agent(own) },
  };

  return {
    metadata: { handlerProtocol: 'http/1.1' },
    async handle(request, options) {
      const exchange: Exchange = options?.exchange ?? { sent: false };
      const isTls = request.protocol !== 'http:';
      const agent = agents[isTls ? 'https:' : 'http:'];
      const port = request.port === undefined ? '' : `:${request.port}`;
      exchange.origin = `${request.protocol}//${request.hostname}${port}`;
      const query = buildQueryString(request.query ?? {});
      const outgoing = (isTls ? https : http).request({
        agent: options?.ownConnection === true ? agent.own : agent.kept,
        host: request.hostname.replace(/^\[(.*)\]$/, '$1'),
        port: request.port,
        method: request.method,
        path: query === '' ? request.path : `${request.path}?${query}`,
        headers: request.headers,
        ...(options?.abortSignal && { signal: options.abortSignal }),
      });
      const bytesMax = options?.isRawReply === true ? RAW_BYTES_MAX : REPLY_BYTES_MAX;
      const requestMs = options?.requestMs ?? timeouts.requestMs;
      const limits = { ...timeouts, requestMs, bytesMax };
      const response = await converse(outgoing, request.body, exchange, limits, isTls);
      return { response };
    },
  };
}

/** AWS_CA_BUNDLE, as the AWS CLI reads it: a private authority in front of the endpoints, besides the public ones. */
function certificates(): string[] | undefined {
  const bundle = process.env['AWS_CA_BUNDLE'];
  return bundle === undefined || bundle === ''
    ? undefined
    : [...rootCertificates, readFileSync(bundle, 'utf8')];
}

function converse(
  outgoing: http.ClientRequest,
  body: unknown,
  exchange: Exchange,
  { connectMs, requestMs, bytesMax }: HttpTimeouts & { readonly bytesMax: number },
  isTls: boolean,
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const timers: NodeJS.Timeout[] = [];
    const giveUpAfter = (delayMs: number, message: string): NodeJS.Timeout => {
      const timer = setTimeout(() => fail(new ExchangeBroken(TIMED_OUT, message)), delayMs);
      timers.push(timer);
      return timer;
    };
    const end = (): void => timers.forEach(clearTimeout);
    const fail = (error: Error): void => {
      end();
      reject(error);
      outgoing.destroy();
    };

    const connecting = giveUpAfter(connectMs, `no connection within ${connectMs / 1000} s`);
    giveUpAfter(requestMs, `no complete reply within ${requestMs / 1000} s`);
    const connected = (): void => {
      clearTimeout(connecting);
      exchange.sent = true;
    };
    outgoing.once('socket', (socket) => {
      if (socket.connecting) socket.once(isTls ? 'secureConnect' : 'connect', connected);
      else connected();
    });
    outgoing.once('error', (error: NodeJS.ErrnoException) => {
      fail(new ExchangeBroken(error.code ?? error.name, error.message || (error.code ?? error.name), error));
    });
    outgoing.once('response', (incoming) => {
      exchange.status = incoming.statusCode ?? 0;
      exchange.contentType = incoming.headers['content-type'] ?? '';
      const retryAfter = incoming.headers['retry-after'];
      if (retryAfter !== undefined) exchange.retryAfter = retryAfter;
      const chunks: Buffer[] = [];
      let received = 0;
      incoming.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        received += chunk.length;
        if (received > bytesMax) {
          fail(new ExchangeBroken(REPLY_TOO_LARGE, `the reply is larger than ${bytesMax} bytes`));
        }
      });
      incoming.once('error', (error: NodeJS.ErrnoException) => {
        fail(
          new ExchangeBroken(
            error.code ?? error.name,
            'the connection ended in the middle of the reply',
            error,
          ),
        );
      });
      incoming.once('end', () => {
        end();
        exchange.body = Buffer.concat(chunks);
        const headers: Record<string, string> = {};
        for (const [name, value] of Object.entries(incoming.headers))
          headers[name] = [value].flat().join(', ');
        exchange.isIdentified = Object.keys(headers).some((name) => REQUEST_ID.test(name));
        resolve(
          new HttpResponse({
            statusCode: exchange.status ?? 0,
            reason: incoming.statusMessage ?? '',
            headers,
            // The SDK changes the prototype of what it is given.
            body: new Uint8Array(exchange.body.buffer, exchange.body.byteOffset, exchange.body.length),
          }),
        );
      });
    });
    outgoing.end(typeof body === 'string' || body instanceof Uint8Array ? body : undefined);
  });
}
