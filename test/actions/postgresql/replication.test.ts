/** src/actions/postgresql/replication.ts: what it makes of the servers' words; real ones answer in test/evidence/postgresql. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesBehind, lsnOf } from '../../../src/actions/postgresql/lsn.ts';
import { replication } from '../../../src/actions/postgresql/replication.ts';
import type { JsonObject } from '../../../src/json.ts';
import { HostFailure, type Host } from '../../../src/transports/host.ts';
import { run } from '../../support/action-bed.ts';
import { localTestHost } from '../host/local.ts';

const words = (more: JsonObject, lines: readonly string[] = []) => [
  'server=37 5432 /data/15 /usr/lib/postgresql/15/bin postgresql@15-main.service /var/run/postgresql',
  'path=data /data/15 /data /dev/xvdf ext4',
  'systemIdentifier=77',
  'number=150018',
  `facts=${JSON.stringify({ version: '15.18', standby: true, receiver: 'streaming', lsn: '0/15007C8', prepared: 0, longest: 0, clients: 0, backups: 0, bytes: 1, ...more })}`,
  ...lines,
];
const asPrimary = words({ standby: false, receiver: null });

async function asked(
  inputs: JsonObject,
  standby: readonly string[] | Error,
  primary: readonly string[] = asPrimary,
) {
  await using here = localTestHost();
  const host = (says: readonly string[] | Error): Host => ({
    ...here.host,
    read: async () => {
      if (says instanceof Error) throw says;
      const isRefused = says.some((line) => line.startsWith('failed='));
      return { exitCode: isRefused ? 1 : 0, stdout: `${says.join('\n')}\n`, stderr: '' };
    },
  });
  const hosts = { db1: host(primary), db2: host(standby) };
  return (await run(replication, { Host: 'db1', Standbys: ['db2'], ...inputs }, { hosts })).ending;
}

test('a standby that streams and is close behind is as wanted', async () => {
  expect(await asked({}, words({ lsn: '0/15007C0' }))).toMatchObject({
    kind: 'done',
    outputs: { Lsn: '0/15007C8', Standbys: [{ Host: 'db2', LagBytes: 8, State: 'streaming' }] },
  });
});

test.each([
  ['is too far behind', words({ lsn: '0/0' }), 'bytes behind, allowed are 1000'],
  ['has no receiver', words({ receiver: null }), 'it has no WAL receiver'],
  ['is still connecting', words({ receiver: 'starting' }), 'its receiver is starting'],
  ['is a primary of its own', words({ standby: false }), 'is not a standby'],
  ['is of another cluster', words({}, ['systemIdentifier=78']), 'system identifier 78, not 77'],
  ['does not run', ['failed=NO_SUCH_SERVER no server runs'], 'no server runs'],
  [
    'cannot be reached',
    new HostFailure({ code: 'UNREACHABLE', message: 'db2: refused', retryable: true, effect: 'none' }),
    'db2: refused',
  ],
])('a standby that %s is named', async (_how, standby, text) => {
  expect(await asked({ MaxLagBytes: 1_000 }, standby)).toMatchObject({
    kind: 'failed',
    code: 'NOT_REPLICATING',
    message: expect.stringContaining(text),
  });
});

test('a primary that is none, or does not answer, is named too', async () => {
  expect(await asked({}, words({}), words({}))).toMatchObject({
    message: expect.stringContaining('db1 is a standby'),
  });
  expect(await asked({}, words({}), ['failed=NOT_ANSWERING it starts'])).toMatchObject({
    code: 'NOT_REPLICATING',
  });
});

test('the standbys must name another host than the primary', async () => {
  await expect(asked({ Standbys: ['db1'] }, words({}))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
});

test('places in the log are compared as numbers', () => {
  const half = fc.integer({ min: 0, max: 0xffffffff });
  fc.assert(
    fc.property(half, half, fc.integer({ min: 0, max: 2 ** 40 }), (high, low, distance) => {
      const first = (BigInt(high) << 32n) + BigInt(low);
      const text = (lsn: bigint) =>
        `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16).toUpperCase()}`;
      const later = first + BigInt(distance);
      fc.pre(later >> 64n === 0n);
      expect(bytesBehind(text(later), text(first))).toBe(distance);
      expect(bytesBehind(text(first), text(later))).toBe(0);
    }),
  );
  for (const odd of [null, '', '0', '0/', '/1', 'x/1', '0/123456789']) expect(lsnOf(odd)).toBeUndefined();
});
