/** Somebody who listens to a topic: an HTTP server that checks every signature, confirms, and keeps what it is told. */
import { verify } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { stringToSign } from '../../lab/endpoint/sns/sign.ts';

export interface Heard {
  readonly id: string;
  readonly subject: string;
  readonly text: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface Subscriber extends AsyncDisposable {
  readonly url: string;
  /** What came since the last asking, in order. */
  take(): Heard[];
  /** Messages whose signature was wrong, or whose headers and body did not agree. */
  readonly forged: readonly string[];
}

interface SnsBody {
  readonly Type: string;
  readonly MessageId: string;
  readonly Subject?: string;
  readonly Message: string;
  readonly Signature: string;
  readonly SigningCertURL: string;
  readonly SubscribeURL?: string;
  readonly MessageAttributes?: Readonly<Record<string, { readonly Value: string }>>;
}

export async function listen(): Promise<Subscriber> {
  const heard: Heard[] = [];
  const forged: string[] = [];
  const receive = async (type: unknown, text: string): Promise<void> => {
    const body = JSON.parse(text) as SnsBody;
    const key = await (await fetch(body.SigningCertURL)).text();
    const signed = Buffer.from(stringToSign({ ...body }));
    if (type !== body.Type || !verify('sha256', signed, key, Buffer.from(body.Signature, 'base64'))) {
      forged.push(text);
      return;
    }
    if (body.SubscribeURL !== undefined) await fetch(body.SubscribeURL);
    if (body.Type !== 'Notification') return;
    const attributes = Object.entries(body.MessageAttributes ?? {}).map(([name, { Value }]) => [name, Value]);
    heard.push({
      id: body.MessageId,
      subject: body.Subject ?? '',
      text: body.Message,
      attributes: Object.fromEntries(attributes) as Record<string, string>,
    });
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      receive(request.headers['x-amz-sns-message-type'], Buffer.concat(chunks).toString('utf8')).then(
        () => response.end(),
        () => response.writeHead(500).end(),
      );
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/`,
    take: () => heard.splice(0),
    forged,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
