/** A heal that never ends: src/actions/minio/heal.ts against a server whose pass stands still. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { heal } from '../../../src/actions/minio/heal.ts';
import { localHost } from '../../../src/transports/hosts/local.ts';
import { run } from '../../support/action-bed.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

it('is given up after StalledSeconds without a further object, and says how far it came', async () => {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://stub');
    if (url.pathname.startsWith('/minio/health')) response.end();
    else if (url.searchParams.has('clientToken'))
      response.end(JSON.stringify({ Summary: 'running', StartTime: '2026-11-30T06:00:00Z', Items: [] }));
    else response.end(JSON.stringify({ clientToken: 'one' }));
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const inputs = {
    Hosts: ['n1'],
    Tls: false,
    Port: port,
    AccessKey: 'lab',
    SecretKey: 'labsecret1',
    LookAtDrives: false,
    StalledSeconds: 40,
  };
  let now = Date.UTC(2026, 10, 30);
  const world = {
    hosts: { n1: localHost({ name: 'n1', transport: 'local', become: 'none', tags: {} }) },
    now: () => now,
    wait: async (ms: number) => void (now += ms),
  };
  const { ending } = await run(heal, inputs, world);
  expect(ending).toMatchObject({
    kind: 'failed',
    code: 'HEAL_STALLED',
    retryable: true,
    message: expect.stringMatching(/^pass 1: 0 objects looked at, 0 healed; none since 4\d s$/),
  });
});
