/**
 * Asks one HTTP server over connections that a host dialled. Beside Node's own client it adds what an operator needs:
 * every failure says which host and port, and whether the server may have acted; the time limit is on silence, so that
 * it fits a probe as well as an object of many gigabytes. Redirects are answers, not followed.
 */
import { Agent, request as startRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { Readable } from 'node:stream';
import { cancelled, openConnection, silent, unconnected, type HttpEndpoint } from './connection.ts';
import { encoded } from './encoded.ts';
import { HttpFailure } from './failure.ts';
import { HostFailure } from '../host.ts';

export type { HttpEndpoint } from './connection.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Encoded, from the slash on. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream needs a content-length header. */
  readonly body?: Uint8Array | Readable;
  /** How long nothing may come or go, in ms. */
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  /** By name in lower case; of several the last. */
  readonly headers: Readonly<Record<string, string>>;
  /** To be read to its end or destroyed. Fails with HttpFailure. */
  readonly body: Readable;
}

/** How many connections to one server are open at once; those that are still being made Node does not count. */
const connectionsMax = 8;
const connectMsMax = 10_000;

export class HttpClient {
  readonly endpoint: HttpEndpoint;
  readonly #agent: DialledAgent;

  constructor(endpoint: HttpEndpoint) {
    this.endpoint = endpoint;
    this.#agent = new DialledAgent(endpoint);
  }

  /** Resolves with the head of the answer. Rejects with HttpFailure or HostFailure. */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    try {
      return await exchange(this.endpoint, this.#agent, request);
    } catch (error) {
      const wasStale = error instanceof StaleConnection;
      if (!wasStale) throw error;
      // The server had closed a kept connection just before; nothing of this request was read.
      if (request.body instanceof Readable) throw error.failure;
      return await exchange(this.endpoint, this.#agent, request);
    }
  }

  /** The whole body of an answer. Rejects with HttpFailure, REPLY_TOO_LARGE beyond so many bytes. */
  async text(answer: HttpAnswer, bytesMax: number): Promise<string> {
    return (await this.bytes(answer, bytesMax)).toString('utf8');
  }

  /** As `text`, of a body that is none. */
  async bytes({ body }: HttpAnswer, bytesMax: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of body) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (bytes > bytesMax) {
        const message = `${this.endpoint.label}: the answer has more than ${bytesMax} bytes.`;
        throw new HttpFailure({ code: 'REPLY_TOO_LARGE', message, retryable: false, effect: 'unknown' });
      }
    }
    return Buffer.concat(chunks);
  }

  close(): void {
    this.#agent.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A kept connection broke before a byte of the answer. Only requests that may be repeated are sent over kept ones. */
class StaleConnection extends Error {
  readonly failure: HttpFailure;
  constructor(failure: HttpFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

class DialledAgent extends Agent {
  readonly #endpoint: HttpEndpoint;

  constructor(endpoint: HttpEndpoint) {
    // Node's agent keeps only what is a socket to it: a TLS one is, a plain stream over ssh is not.
    super({ keepAlive: endpoint.tls !== undefined, maxSockets: connectionsMax });
    this.#endpoint = endpoint;
  }

  override createConnection(
    options: { readonly signal?: AbortSignal | undefined },
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const signal = options.signal ?? new AbortController().signal;
    openConnection(this.#endpoint, { signal, timeoutMs: connectMsMax }).then(
      (connection) => callback?.(null, connection),
      (error: unknown) => {
        // Node hands no stream on where there is an error.
        if (error instanceof Error) callback?.(error, undefined as never);
      },
    );
  }
}

/** POST is the one method that MinIO does not let be repeated freely: a heal begun, a restart told. */
const isRepeatable = ({ method }: HttpRequest): boolean => method !== 'POST';

function exchange(endpoint: HttpEndpoint, agent: DialledAgent, request: HttpRequest): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const { label } = endpoint;
  const { silenceMs, signal, body } = request;
  const query = queryOf(request.query ?? {});
  const own = isRepeatable(request) ? undefined : new DialledAgent(endpoint);
  let outgoing: ClientRequest;
  try {
    outgoing = startRequest({
      agent: own ?? agent,
      method: request.method,
      path: query === '' ? request.path : `${request.path}?${query}`,
      headers: { ...request.headers, host: endpoint.authority },
      signal,
    });
  } catch (error) {
    own?.destroy();
    return Promise.reject(unwritable(label, error));
  }
  let incoming: IncomingMessage | undefined;
  let sent = false;
  let isOver = false;
  const fail = (failure: Error): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(silence);
    if (body instanceof Readable) body.destroy();
    outgoing.destroy();
    own?.destroy();
    incoming?.destroy(failure);
    reject(failure);
  };
  let silence: NodeJS.Timeout | undefined;
  // From the beginning: a connection that is never had is silence, too.
  const listen = (): void => {
    clearTimeout(silence);
    silence = setTimeout(
      () => fail(sent ? silent(label, silenceMs, 'unknown') : unconnected(label, silenceMs)),
      silenceMs,
    );
  };
  listen();
  outgoing.once('socket', () => {
    sent = true;
    listen();
  });
  outgoing.once('error', (error: NodeJS.ErrnoException) => {
    const failure = asFailure(endpoint, error, { sent, signal });
    const isStale = outgoing.reusedSocket && incoming === undefined && isRepeatable(request);
    fail(isStale && failure instanceof HttpFailure ? new StaleConnection(failure) : failure);
  });
  outgoing.once('response', (response) => {
    incoming = response;
    listen();
    response.once('close', () => {
      clearTimeout(silence);
      own?.destroy();
      isOver = true;
    });
    resolve({
      status: response.statusCode ?? 0,
      headers: headersOf(response),
      body: watched(response, listen, (error) => asFailure(endpoint, error, { sent: true, signal })),
    });
  });
  if (body instanceof Readable) {
    body.on('data', listen);
    body.once('error', fail);
    body.pipe(outgoing);
  } else {
    outgoing.end(body);
  }
  return promise;
}

/** What Node refuses before anything is sent. Its words name the header and not what is in it. */
function unwritable(label: string, error: unknown): Error {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code !== 'ERR_INVALID_CHAR' && code !== 'ERR_UNESCAPED_CHARACTERS')
    return error instanceof Error ? error : new Error(String(error));
  const words = error instanceof Error ? error.message : '';
  const message = `${label}: HTTP cannot carry this request: ${words}. Look for line feeds and letters beyond Latin in keys and names.`;
  return new HttpFailure({ code: 'BAD_REQUEST', message, retryable: false, effect: 'none', cause: error });
}

/** The body, its silence counted anew with every piece, its end in the middle a failure in our words. */
function watched(
  response: IncomingMessage,
  onPiece: () => void,
  asError: (error: NodeJS.ErrnoException) => Error,
): Readable {
  const pieces = async function* (): AsyncGenerator<Buffer> {
    try {
      for await (const piece of response) {
        onPiece();
        yield piece as Buffer;
      }
    } catch (error) {
      throw error instanceof HttpFailure || !(error instanceof Error) ? error : asError(error);
    }
  };
  const body = Readable.from(pieces(), { objectMode: false });
  body.once('close', () => response.destroy());
  return body;
}

/** As signatures want it: sorted, and all but the unreserved characters of RFC 3986 encoded. */
function queryOf(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .toSorted()
    .join('&');
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? (value.at(-1) ?? '') : (value ?? ''),
    ]),
  );
}

function asFailure(
  { label }: HttpEndpoint,
  error: NodeJS.ErrnoException,
  { sent, signal }: { readonly sent: boolean; readonly signal: AbortSignal },
): Error {
  if (error instanceof HttpFailure || error instanceof HostFailure) return error;
  const effect = sent ? 'unknown' : 'none';
  if (signal.aborted) return cancelled(label, signal.reason, effect);
  if (error.code?.startsWith('HPE_') === true) {
    const message = `${label}: what answers there does not speak HTTP as expected (${error.message}). For TLS leave Tls: false out.`;
    return new HttpFailure({ code: 'NOT_HTTP', message, retryable: false, effect, cause: error });
  }
  const message = `${label}: the connection was lost before the whole answer had come (${error.message || error.code}).`;
  return new HttpFailure({ code: 'CONNECTION_LOST', message, retryable: true, effect, cause: error });
}
