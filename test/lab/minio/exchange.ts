/** One HTTP request and its whole answer, over a connection of its own, so that no answer is owed to an older connection. */
import { request as plainRequest, type IncomingHttpHeaders } from 'node:http';
import { request as tlsRequest, type RequestOptions } from 'node:https';

export interface Exchange {
  readonly url: URL;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** PEM; the only authority that is believed. */
  readonly ca?: string;
  /** For the whole exchange, connecting included. Default 15 000: a MinIO node may take ten seconds to say that a peer hangs. */
  readonly timeoutMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Rejects with the error of the connection (`code`: ECONNREFUSED, ECONNRESET, …), or with `code` ETIMEDOUT. */
export function exchange({
  url,
  method = 'GET',
  headers = {},
  body,
  ca,
  timeoutMs = 15_000,
}: Exchange): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options: RequestOptions = { method, headers, agent: false, ...(ca === undefined ? {} : { ca }) };
    const outgoing = url.protocol === 'http:' ? plainRequest(url, options) : tlsRequest(url, options);
    const limit = setTimeout(() => {
      const late = new Error(`${method} ${url.href}: no whole answer in ${timeoutMs} ms`);
      outgoing.destroy(Object.assign(late, { code: 'ETIMEDOUT' }));
    }, timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(limit);
      reject(error);
    };
    outgoing.on('error', fail);
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', fail);
      incoming.on('end', () => {
        clearTimeout(limit);
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) });
      });
    });
    outgoing.end(body);
  });
}

/** What a failed exchange is called in a report: ECONNREFUSED rather than a sentence. */
export function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
