/** A pass of a node that does not reach every drive: src/actions/minio/heal.ts against a server that says so. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { heal } from '../../../src/actions/minio/heal.ts';
import { localHost } from '../../../src/transports/hosts/local.ts';
import { run } from '../../support/action-bed.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Of four drives the healing node calls the last one `passes[n]` in pass n, the last of them for ever after; its own node calls it `own`. */
async function healed({ passes, own }: { passes: readonly string[]; own: string }) {
  let begun = 0;
  const drives = (last: string) => ({ drives: ['ok', 'ok', 'ok', last].map((state) => ({ state })) });
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://stub');
    const say = (answer: unknown) => response.end(JSON.stringify(answer));
    if (url.pathname.startsWith('/minio/health')) response.end();
    else if (url.pathname.endsWith('/info'))
      say({ servers: [{ endpoint: 'n1', state: 'online', ...drives(own) }] });
    else if (url.searchParams.has('clientToken')) {
      const sides = drives(passes[begun - 1] ?? passes.at(-1) ?? 'ok');
      const item = { type: 'object', bucket: 'kept', object: '0.bin', before: sides, after: sides };
      say({ Summary: 'finished', StartTime: '2026-11-30T06:00:00Z', Items: [item] });
    } else {
      begun += 1;
      say({ clientToken: String(begun) });
    }
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  let now = Date.UTC(2026, 10, 30);
  const began = now;
  const world = {
    hosts: { n1: localHost({ name: 'n1', transport: 'local', become: 'none', tags: {} }) },
    now: () => now,
    wait: async (ms: number) => void (now += ms),
  };
  const keys = { AccessKey: 'lab', SecretKey: 'labsecret1' };
  const inputs = { Hosts: ['n1'], Tls: false, Port: port, ...keys, LookAtDrives: false };
  const { ending } = await run(heal, inputs, world);
  return { ending, begun, seconds: (now - began) / 1_000 };
}

describe('a heal whose node does not reach a drive', () => {
  it.each(['offline', 'unknown (unformatted drive found)', 'unformatted'])(
    'goes on with another pass while the drive, here %s, is ok for its own node',
    async (state) => {
      const { ending, begun } = await healed({ passes: [state, state, 'ok'], own: 'ok' });
      expect(ending).toMatchObject({ kind: 'done', outputs: { Passes: 3, Scanned: 1, Failed: [] } });
      expect(begun).toBe(3);
    },
  );

  it('fails at once where the drive is out for its own node, too', async () => {
    const { ending, begun } = await healed({ passes: ['offline', 'ok'], own: 'offline' });
    expect(ending).toMatchObject({
      kind: 'failed',
      code: 'COULD_NOT_HEAL',
      message: expect.stringContaining('kept/0.bin (1 of 4 drives offline)'),
    });
    expect(begun).toBe(1);
  });

  it('fails at once where a piece is corrupt', async () => {
    const { ending, begun } = await healed({ passes: ['corrupt', 'ok'], own: 'ok' });
    expect(ending).toMatchObject({ kind: 'failed', code: 'COULD_NOT_HEAL' });
    expect(begun).toBe(1);
  });

  it('gives up after a minute', async () => {
    const { ending, seconds } = await healed({ passes: ['offline'], own: 'ok' });
    expect(ending).toMatchObject({ kind: 'failed', code: 'COULD_NOT_HEAL' });
    expect(seconds).toBeGreaterThanOrEqual(60);
    expect(seconds).toBeLessThan(70);
  });
});
