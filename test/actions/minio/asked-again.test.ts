/** How often a server is asked for the same again: src/actions/minio/backup-failure.ts against one that keeps silent. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { again } from '../../../src/actions/minio/backup-failure.ts';
import { HttpClient } from '../../../src/transports/http/client.ts';
import { S3Client } from '../../../src/transports/s3/client.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** Silence is what lasts longer than this; a slow machine answers within it. */
const silenceMs = 2_000;

async function clientOf(listener: RequestListener): Promise<S3Client> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const http = new HttpClient({
    label: `n1 port ${port}`,
    authority: `127.0.0.1:${port}`,
    dial: async () => connect(port, '127.0.0.1'),
  });
  const key = { accessKeyId: 'lab', secretAccessKey: 'labsecret1' };
  return new S3Client(http, { key, signal: AbortSignal.timeout(60_000), silenceMs });
}

it('a server that hangs is waited for once', async () => {
  const asked: string[] = [];
  const client = await clientOf((request) => void asked.push(request.url ?? ''));
  await expect(again(client, () => client.head('docs', 'a'))).rejects.toMatchObject({
    code: 'NO_REPLY',
    retryable: true,
    message: expect.stringContaining('The server hangs'),
  });
  expect(asked).toEqual(['/docs/a', '/']);
});

it('one connection that falls silent is tried again where the server says anything at all', async () => {
  const asked: string[] = [];
  const client = await clientOf((request, response) => {
    asked.push(request.url ?? '');
    if (asked.length > 1) response.writeHead(request.url === '/' ? 403 : 200).end();
  });
  expect(await again(client, () => client.head('docs', 'a'))).toBeDefined();
  expect(asked).toEqual(['/docs/a', '/', '/docs/a']);
});

it('of two servers each must say something', async () => {
  const [asked, silent] = [[] as string[], [] as string[]];
  const good = await clientOf((request, response) => {
    asked.push(request.url ?? '');
    response.end();
  });
  const hanging = await clientOf((request) => void silent.push(request.url ?? ''));
  await expect(again([good, hanging], () => hanging.head('docs', 'a'))).rejects.toMatchObject({
    code: 'NO_REPLY',
  });
  expect([asked, silent]).toEqual([['/'], ['/docs/a', '/']]);
});
