/** An HTTP or HTTPS server on a free port that answers with what a function makes of each request. */
import http, { type IncomingHttpHeaders } from 'node:http';
import https from 'node:https';

export interface Received {
  readonly form: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface SmallEndpoint {
  readonly url: string;
  readonly port: number;
  readonly received: readonly Received[];
  close(): Promise<void>;
}

export async function startEndpoint(
  answer: (request: Received) => Answer | Promise<Answer>,
  tls?: { readonly key: string; readonly cert: string },
): Promise<SmallEndpoint> {
  const received: Received[] = [];
  const listener: http.RequestListener = (request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const arrived = { form: new URLSearchParams(body), headers: request.headers };
      received.push(arrived);
      void Promise.resolve(answer(arrived)).then(({ status = 200, headers = {}, body: text }) =>
        response.writeHead(status, { 'content-type': 'text/xml', ...headers }).end(text),
      );
    });
  };
  const server = tls === undefined ? http.createServer(listener) : https.createServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${address.port}`,
    port: address.port,
    received,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
