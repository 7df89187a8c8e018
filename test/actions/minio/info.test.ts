/** What info makes of the servers' answer; test/lab/minio-actions.test.ts asks real ones. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { info } from '../../../src/actions/minio/info.ts';
import type { JsonObject } from '../../../src/json.ts';
import { localHost } from '../../../src/transports/hosts/local.ts';
import { run } from '../../support/action-bed.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const drive = (state = 'ok', healing = false) => ({ endpoint: '/data1', state, healing });
const online = (endpoint: string, version: string, drives = [drive()], uptime = 100) => ({
  endpoint,
  state: 'online',
  version,
  uptime,
  drives,
});

async function asked(answer: readonly JsonObject[], Expect: JsonObject) {
  const server = createServer((_request, response) => response.end(JSON.stringify({ servers: answer })));
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const host = localHost({ name: 'n1', transport: 'local', become: 'none', tags: {} });
  const inputs = {
    Hosts: ['n1', 'n2'],
    Tls: false,
    Port: port,
    AccessKey: 'lab',
    SecretKey: 'labsecret1',
    Expect,
  };
  return (await run(info, inputs, { hosts: { n1: host, n2: host } })).ending;
}

it.each<[string, readonly JsonObject[], JsonObject, string, RegExp]>([
  [
    'two versions, though every server is online',
    [online('a', '1'), online('b', '2')],
    { Versions: 'one' },
    'MIXED_VERSIONS',
    /a runs 1, b runs 2/,
  ],
  [
    'a server that is offline, whose version nobody knows',
    [online('a', '1'), { endpoint: 'b', state: 'offline' }],
    { Versions: 'one' },
    'SERVER_NOT_ONLINE',
    /b is offline/,
  ],
  [
    'fewer servers than hosts',
    [online('a', '1')],
    { Versions: 'one' },
    'SERVER_NOT_ONLINE',
    /1 servers, and 2 Hosts/,
  ],
  [
    'a drive that is not formatted, which MinIO itself counts as online',
    [online('a', '1', [drive('unformatted')]), online('b', '1')],
    { DrivesOffline: 0 },
    'DRIVES_NOT_OK',
    /1 of 2 drives are not ok.*\/data1 unformatted/,
  ],
  [
    'a drive that heals',
    [online('a', '1', [drive('ok', true)]), online('b', '1')],
    { DrivesHealing: 0 },
    'DRIVES_HEALING',
    /\/data1 heals/,
  ],
  [
    'a server that has just started',
    [online('a', '1', [drive()], 3), online('b', '1')],
    { MinimumUptimeSeconds: 20 },
    'JUST_STARTED',
    /a is up 3 s/,
  ],
])('%s', async (_what, answer, expectation, code, message) => {
  const ending = await asked(answer, expectation);
  expect(ending).toMatchObject({ kind: 'failed', code });
  expect(ending.kind === 'failed' && ending.message).toMatch(message);
});

it('all as expected', async () => {
  const ending = await asked([online('a', '1'), online('b', '1')], {
    Versions: 'one',
    DrivesOk: 2,
    DrivesOffline: 0,
  });
  expect(ending).toMatchObject({ kind: 'done', note: '2 servers online, 1, 2 of 2 drives ok' });
});
