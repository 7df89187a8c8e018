/** What cannot be made whole because drives have no room: src/actions/minio/heal.ts against a server that says so. */
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

const free = [900_000, 900_000, 900_000, 200];
const info = free.map((availspace, index) => ({
  endpoint: `https://n1:9000/data/${index + 1}`,
  state: 'ok',
  totalspace: 1_000_000,
  availspace,
  free_inodes: 1_000,
  used_inodes: 10,
}));
const sides = { drives: ['ok', 'ok', 'ok', 'missing'].map((state) => ({ state })) };
const item = {
  type: 'object',
  bucket: 'kept',
  object: '0.bin',
  detail: 'Storage reached its minimum free drive threshold.',
  before: sides,
  after: sides,
};

/** `isAsked`: whether it still says how full its drives are once it has healed. */
async function failedHeal(isAsked: boolean) {
  let hasHealed = false;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://stub');
    const say = (answer: unknown) => response.end(JSON.stringify(answer));
    if (url.pathname.startsWith('/minio/health')) response.end();
    else if (url.pathname.endsWith('/info') && hasHealed && !isAsked) {
      response.statusCode = 403;
      say({ Code: 'AccessDenied', Message: 'not you' });
    } else if (url.pathname.endsWith('/info'))
      say({ servers: [{ endpoint: 'n1', state: 'online', drives: info }] });
    else if (url.searchParams.has('clientToken')) {
      hasHealed = true;
      say({ Summary: 'finished', StartTime: '2026-11-30T06:00:00Z', Items: [item] });
    } else say({ clientToken: 'one' });
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  let now = Date.UTC(2026, 10, 30);
  const world = {
    hosts: { n1: localHost({ name: 'n1', transport: 'local', become: 'none', tags: {} }) },
    now: () => now,
    wait: async (ms: number) => void (now += ms),
  };
  const keys = { AccessKey: 'lab', SecretKey: 'labsecret1' };
  const inputs = { Hosts: ['n1'], Tls: false, Port: port, ...keys, LookAtDrives: false };
  return (await run(heal, inputs, world)).ending;
}

it('names the drives that have no room, and no others', async () => {
  const ending = await failedHeal(true);
  expect(ending).toMatchObject({
    kind: 'failed',
    code: 'COULD_NOT_HEAL',
    message: expect.stringMatching(
      /kept\/0\.bin[^]*\nhttps:\/\/n1:9000\/data\/4 has 0 % of its space free\./,
    ),
  });
  expect(ending.kind === 'failed' && ending.message).not.toContain('data/1');
});

it('says nothing of room where nobody says it', async () => {
  expect(await failedHeal(false)).toMatchObject({
    kind: 'failed',
    code: 'COULD_NOT_HEAL',
    message: expect.not.stringContaining('of its space free'),
  });
});
