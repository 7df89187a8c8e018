/** Whether all nodes but one serve: asked before one that is ill is stopped. The servers are real, with a cluster's answers. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { health } from '../../../src/actions/minio/health.ts';
import type { Host } from '../../../src/transports/host.ts';
import { localHost } from '../../../src/transports/hosts/local.ts';
import { run } from '../../support/action-bed.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function nodeHost(name: string, isUp: boolean): Promise<Host> {
  const host = localHost({ name, transport: 'local', become: 'none', tags: {} });
  let port = 1;
  if (isUp) {
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'x-minio-write-quorum': '12' }).end();
    });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  }
  return { ...host, dial: (_to, options) => host.dial({ address: '127.0.0.1', port }, options) };
}

async function asked(up: Readonly<Record<string, boolean>>, Except: string) {
  const entries = Object.entries(up).map(async ([name, isUp]) => [name, await nodeHost(name, isUp)] as const);
  const hosts = Object.fromEntries(await Promise.all(entries));
  return (await run(health, { Hosts: Object.keys(up), Tls: false, Except }, { hosts })).ending;
}

it('the node that is left out may be down, and no other', async () => {
  expect(await asked({ n1: true, n2: false, n3: true }, 'n2')).toMatchObject({
    kind: 'done',
    note: '2 nodes serve',
  });
  expect(await asked({ n1: true, n2: false, n3: false }, 'n2')).toMatchObject({
    kind: 'failed',
    code: 'NODE_NOT_ANSWERING',
    message: expect.stringMatching(/^n3 does not answer/),
  });
});

it('a name that is not one of the Hosts, or the only one, is refused', async () => {
  await expect(asked({ n1: true, n2: true }, 'n3')).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: 'Except names n3, which is not one of the Hosts (n1, n2)',
  });
  await expect(asked({ n1: true }, 'n1')).rejects.toMatchObject({
    message: 'Except names n1, which is the only one of the Hosts (n1)',
  });
});
