/**
 * What health makes of the answers that a real cluster gave, row by row. The servers here are real HTTP servers with
 * those answers; test/lab/minio-actions.test.ts asks a real cluster.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { health } from '../../../src/actions/minio/health.ts';
import type { JsonObject } from '../../../src/json.ts';
import type { Host } from '../../../src/transports/host.ts';
import { localHost } from '../../../src/transports/hosts/local.ts';
import { run } from '../../support/action-bed.ts';

/** Status and headers of `/cluster`, and of it with `maintenance=true`. `refused`: nothing listens. */
type Answer = readonly [status: number, headers?: Readonly<Record<string, string>>];
type Node = { readonly cluster: Answer; readonly maintenance?: Answer } | 'refused';

const quorum = { 'x-minio-write-quorum': '12' };
const ok: Node = { cluster: [200, quorum], maintenance: [200, quorum] };
const status = (name: string) => ({ 'x-minio-server-status': name });

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function nodeHost(name: string, node: Node): Promise<Host> {
  const host = localHost({ name, transport: 'local', become: 'none', tags: {} });
  let port = 1;
  if (node !== 'refused') {
    const server = createServer((request, response) => {
      const asked = request.url?.endsWith('?maintenance=true') === true ? node.maintenance : node.cluster;
      const isHealth = request.url?.startsWith('/minio/health/cluster') === true;
      const [code, headers] = isHealth ? (asked ?? node.cluster) : ([404] as Answer);
      response.writeHead(code, { ...headers }).end();
    });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  }
  return { ...host, dial: (_to, options) => host.dial({ address: '127.0.0.1', port }, options) };
}

async function asked(nodes: readonly Node[], own: JsonObject = {}) {
  const names = nodes.map((_, index) => `n${index + 1}`);
  const entries = nodes.map(
    async (node, index) => [names[index], await nodeHost(names[index] ?? '', node)] as const,
  );
  const hosts = Object.fromEntries(await Promise.all(entries));
  const { ending } = await run(health, { Hosts: names, Tls: false, ...own }, { hosts });
  return ending;
}

it.each<[string, readonly Node[], string, RegExp]>([
  [
    'a node that is down',
    [ok, ok, 'refused'],
    'NODE_NOT_ANSWERING',
    /^n3 does not answer \(.*nothing listens/,
  ],
  [
    'no quorum',
    [{ cluster: [503, quorum] }, 'refused', 'refused'],
    'NO_QUORUM',
    /n1 has no write quorum of 12 drives/,
  ],
  [
    'all just started',
    [{ cluster: [503, status('offline')] }, { cluster: [503, status('offline')] }],
    'NODE_NOT_JOINED',
    /n1 answers and has not joined the cluster: it is starting, or too few nodes are up/,
  ],
  [
    'one that stays outside while its peers serve',
    [ok, { cluster: [503, status('offline')] }],
    'NODE_NOT_JOINED',
    /n2 has not joined, though its peers serve.*binary.*MINIO_\*/,
  ],
  [
    'drives found, buckets still to be read',
    [ok, { cluster: [503, status('bucket-metadata-offline')] }],
    'NODE_STARTING',
    /n2 is starting \(bucket-metadata-offline\)/,
  ],
  [
    'something else on the port',
    [ok, { cluster: [404] }],
    'NODE_NOT_ANSWERING',
    /n2 answers 404.*is this a MinIO port/,
  ],
])('%s', async (_what, nodes, code, message) => {
  const ending = await asked(nodes);
  expect(ending).toMatchObject({ kind: 'failed', code, retryable: true, outputs: { Healthy: false } });
  expect(ending.kind === 'failed' && ending.message).toMatch(message);
});

it('says yes only when the node and a peer of it do', async () => {
  expect(await asked([ok, ok], { Maintenance: 'n1' })).toMatchObject({
    kind: 'done',
    outputs: { SafeToTakeDown: true },
    note: '2 nodes serve; n1 may be taken down, by its own answer and that of n2',
  });
});

it.each<[string, Node, Node, string, RegExp]>([
  [
    'quorum would be lost',
    { ...ok, maintenance: [412] },
    ok,
    'UNSAFE_TO_TAKE_DOWN',
    /without it quorum is lost, says n1/,
  ],
  [
    'a peer knows of a drive that is away',
    ok,
    { ...ok, maintenance: [412] },
    'UNSAFE_TO_TAKE_DOWN',
    /away already, says n2/,
  ],
  [
    'its own drive heals, which it does not count itself',
    ok,
    { ...ok, maintenance: [412, { 'x-minio-healing-drives': '1' }] },
    'HEALING',
    /n1 must stay up: a drive heals, says n2/,
  ],
  ['it cannot say yet', { ...ok, maintenance: [503] }, ok, 'NODE_STARTING', /cannot say yet/],
])('a node must stay up when %s', async (_why, itself, peer, code, message) => {
  const ending = await asked([itself, peer], { Maintenance: 'n1' });
  expect(ending).toMatchObject({ kind: 'failed', code, outputs: { Healthy: true, SafeToTakeDown: false } });
  expect(ending.kind === 'failed' && ending.message).toMatch(message);
});

it('a host that is not one of the nodes is a mistake of the runbook', async () => {
  await expect(asked([ok], { Maintenance: 'n9' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
});

it('one node alone has no peer that could say', async () => {
  expect(await asked([ok], { Maintenance: 'n1' })).toMatchObject({ kind: 'failed', code: 'NO_PEER' });
});
