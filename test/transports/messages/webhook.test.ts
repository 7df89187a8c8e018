import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { Letter } from '../../../src/transports/messages/delivery.ts';
import { postMessage } from '../../../src/transports/messages/webhook.ts';

interface Heard {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function receiver(answer: (reply: ServerResponse, asked: IncomingMessage) => void) {
  const heard: Heard[] = [];
  const server = createServer((asked, reply) => {
    const chunks: Buffer[] = [];
    asked.on('data', (chunk: Buffer) => chunks.push(chunk));
    asked.on('end', () => {
      heard.push({
        path: asked.url ?? '',
        headers: asked.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      });
      answer(reply, asked);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { heard, url: `http://127.0.0.1:${port}/hook/with/a/secret` };
}

const letter: Letter = {
  id: 'ab'.repeat(16),
  subject: 'patch failed & <burned>',
  text: 'belay show X',
  fields: { event: 'runFailed', runbook: 'patch' },
};
const now = Date.UTC(2026, 11, 6, 2);
const scope = { now, signal: new AbortController().signal };

it('a message is one POST of JSON with an id that receivers can deduplicate by', async () => {
  const { heard, url } = await receiver((reply) => reply.end('fine'));
  expect(await postMessage({ url, format: 'json' }, letter, scope)).toEqual({
    kind: 'delivered',
    receipt: 'HTTP 200',
  });
  const [only] = heard;
  expect(heard).toHaveLength(1);
  expect(only?.headers['idempotency-key']).toBe(`"${letter.id}"`);
  expect(only?.headers['webhook-signature']).toBeUndefined();
  expect(JSON.parse(only?.body ?? '')).toEqual({
    schemaVersion: 1,
    event: 'runFailed',
    runbook: 'patch',
    messageId: letter.id,
    subject: letter.subject,
    text: letter.text,
  });
});

it.each([
  ['secret of ours', Buffer.from('secret of ours')],
  [
    `whsec_${Buffer.from('as the specification has it').toString('base64')}`,
    Buffer.from('as the specification has it'),
  ],
])('a signature covers id, timestamp and body: %s', async (signWith, key) => {
  const { heard, url } = await receiver((reply) => reply.end());
  await postMessage({ url, format: 'json', signWith }, letter, scope);
  const { headers, body } = heard[0] ?? { headers: {}, body: '' };
  const signed = `${letter.id}.${now / 1000}.${body}`;
  expect(headers).toMatchObject({
    'webhook-id': letter.id,
    'webhook-timestamp': String(now / 1000),
    'webhook-signature': `v1,${createHmac('sha256', key).update(signed).digest('base64')}`,
  });
});

it('Slack gets its own form, in which nothing is an order', async () => {
  const { heard, url } = await receiver((reply) => reply.end());
  await postMessage({ url, format: 'slack' }, letter, scope);
  expect(JSON.parse(heard[0]?.body ?? '')).toEqual({
    text: '*patch failed &amp; &lt;burned&gt;*\n```\nbelay show X\n```',
  });
});

it('a redirect is a failure: neither message nor secret goes anywhere else', async () => {
  const other = await receiver((reply) => reply.end());
  const { url } = await receiver((reply) => reply.writeHead(307, { location: other.url }).end());
  const delivery = await postMessage({ url, format: 'json', bearer: 'bearer-secret' }, letter, scope);
  expect(delivery).toMatchObject({ kind: 'failed' });
  expect(delivery.kind === 'failed' ? delivery.why : '').toMatch(/HTTP 307: it redirects to .*not followed$/);
  expect(other.heard).toEqual([]);
});

it('a refusal says what the receiver said, in one bounded line and without our secrets', async () => {
  const { url } = await receiver((reply) =>
    reply.writeHead(500).end(`no\u001b[2J\n${'bearer-secret '.repeat(400)}/hook/with/a/secret`),
  );
  const delivery = await postMessage({ url, format: 'json', bearer: 'bearer-secret' }, letter, scope);
  const why = delivery.kind === 'failed' ? delivery.why : '';
  expect(why).toMatch(/^127\.0\.0\.1:\d+: HTTP 500: no \[2J \*\*\* /);
  expect(why).not.toMatch(/bearer-secret|\/hook\/with|\p{Cc}/u);
  expect(why.length).toBeLessThan(400);
});

it('Retry-After is handed on', async () => {
  const { url } = await receiver((reply) => reply.writeHead(429, { 'retry-after': '120' }).end());
  expect(await postMessage({ url, format: 'json' }, letter, scope)).toMatchObject({ retryAfterMs: 120_000 });
});

it('a reply without an end is read to its bound and no further', async () => {
  let written = 0;
  const { url } = await receiver((reply) => {
    reply.writeHead(503);
    const pour = (): void => {
      while (!reply.destroyed && reply.write('x'.repeat(65_536))) written += 65_536;
      if (!reply.destroyed) reply.once('drain', pour);
    };
    pour();
  });
  const delivery = await postMessage({ url, format: 'json' }, letter, scope);
  expect(delivery).toMatchObject({ kind: 'failed' });
  expect(written).toBeLessThan(64 * 1024 * 1024);
});

it('headers without an end are a failure', async () => {
  const { url } = await receiver((reply) => {
    reply.socket?.write(`HTTP/1.1 200 OK\r\n`);
    reply.socket?.write(`x-long: ${'y'.repeat(100_000)}\r\n`);
  });
  expect(await postMessage({ url, format: 'json' }, letter, scope)).toMatchObject({ kind: 'failed' });
});

it('a lost reply is a failure, and the next try has the same id', async () => {
  let count = 0;
  const { heard, url } = await receiver((reply) => {
    count += 1;
    if (count === 1) reply.socket?.destroy();
    else reply.end();
  });
  expect(await postMessage({ url, format: 'json' }, letter, scope)).toMatchObject({
    kind: 'failed',
    why: expect.stringContaining('it closed the connection before it answered') as string,
  });
  expect(await postMessage({ url, format: 'json' }, letter, scope)).toMatchObject({ kind: 'delivered' });
  expect(new Set(heard.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
});

it('a receiver that hangs is left when Belay ends', async () => {
  const { url } = await receiver(() => undefined);
  const signal = AbortSignal.timeout(200);
  expect(await postMessage({ url, format: 'json' }, letter, { now, signal })).toMatchObject({
    kind: 'failed',
    why: expect.stringContaining('it had not answered when Belay ended') as string,
  });
});

it('nobody listening is said in words', async () => {
  const { url } = await receiver(() => undefined);
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  expect(await postMessage({ url, format: 'json' }, letter, scope)).toMatchObject({
    why: expect.stringContaining('nobody listens there') as string,
  });
});
