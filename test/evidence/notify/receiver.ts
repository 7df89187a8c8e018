/** A real HTTP receiver, which keeps what it is told and answers as a test wants. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HeardMessage {
  readonly id: string;
  readonly at: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
  /** As it came, for who proves its signature. */
  readonly raw: string;
}

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly heard: HeardMessage[];
  answer: (reply: ServerResponse, message: HeardMessage) => void;
}

export async function receive(): Promise<Receiver> {
  const heard: HeardMessage[] = [];
  const server = createServer((asked, reply) => {
    const chunks: Buffer[] = [];
    asked.on('data', (chunk: Buffer) => chunks.push(chunk));
    asked.on('end', () => {
      const raw = Buffer.concat(chunks).toString('utf8');
      const body = JSON.parse(raw) as Readonly<Record<string, unknown>>;
      const message = { id: String(body['messageId']), at: Date.now(), headers: asked.headers, body, raw };
      heard.push(message);
      receiver.answer(reply, message);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/belay`,
    heard,
    answer: (reply) => reply.end(),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return receiver;
}
