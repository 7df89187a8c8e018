/** src/actions/postgresql/server.ts: what it makes of a host's words; real servers answer in test/evidence/postgresql. */
import { expect, test } from 'vitest';
import { server } from '../../../src/actions/postgresql/server.ts';
import { changeTo } from '../../../src/actions/postgresql/version.ts';
import type { JsonObject } from '../../../src/json.ts';
import type { Host } from '../../../src/transports/host.ts';
import { run } from '../../support/action-bed.ts';
import { localTestHost } from '../host/local.ts';

const facts = {
  version: '15.18 (Debian 15.18-0+deb12u1)',
  standby: false,
  directory: '/data/15',
  lsn: '0/15007C8',
  prepared: 0,
  longest: 3,
  clients: 2,
  backups: 0,
  bytes: 15_268_558,
};
const plain = [
  'server=37 5432 /data/15 /usr/lib/postgresql/15/bin postgresql@15-main.service /var/run/postgresql',
  'path=data /data/15 /data /dev/xvdf ext4',
  'path=wal /wal/15 /wal /dev/xvdg ext4',
  'path=nested /data/15/pg_stat_tmp /data/15/pg_stat_tmp tmpfs tmpfs',
  'package=postgresql-15 15.18-0+deb12u1',
  'package=libpq5 15.18-0+deb12u1',
  'libc=glibc 2.36',
  'checksums=1',
  'number=150018',
];

async function asked(
  inputs: JsonObject,
  more: readonly string[] = [],
  changed: JsonObject = {},
  first = plain[0] ?? '',
) {
  await using here = localTestHost();
  const lines = [first, ...plain.slice(1), `facts=${JSON.stringify({ ...facts, ...changed })}`, ...more];
  const host: Host = {
    ...here.host,
    read: async () => ({ exitCode: 0, stdout: `${lines.join('\n')}\n`, stderr: '' }),
  };
  return (await run(server, { Host: 'db1', ...inputs }, { hosts: { db1: host } })).ending;
}

const all = [
  'FilesElsewhere',
  'OtherClusters',
  'Manager',
  'BaseBackup',
  'Standbys',
  'PreparedTransactions',
  'Collation',
  'Room',
  'Downgrade',
];

test('tells where the files lie, without what lives in memory, and the packages of the server', async () => {
  expect(await asked({ Refuse: all })).toMatchObject({
    kind: 'done',
    outputs: {
      Unit: 'postgresql@15-main',
      Port: 5432,
      SocketDirectory: '/var/run/postgresql',
      ServerVersion: '15.18',
      Mounts: ['/data', '/wal'],
      Files: [{ Kind: 'data' }, { Kind: 'wal' }],
      Packages: ['postgresql-15', 'libpq5'],
      PackageVersion: '15.18-0+deb12u1',
      HasChecksums: true,
      LongestTransactionSeconds: 3,
      Change: null,
    },
  });
});

const standby = JSON.stringify({
  name: 'replica1',
  address: '10.0.0.2',
  state: 'streaming',
  sync: 'async',
  lag: 12,
});
test.each([
  [
    'FilesElsewhere',
    ['path=tablespace /mnt/ts /mnt nas:/ts nfs4'],
    {},
    'FILES_ELSEWHERE',
    'the tablespace /mnt/ts is on nas:/ts',
  ],
  ['FilesElsewhere', ['path=wal /fast/wal /fast tmpfs tmpfs'], {}, 'FILES_ELSEWHERE', 'the WAL /fast/wal'],
  [
    'OtherClusters',
    ['other=5433 /else/15b /usr/lib/postgresql/15/bin postgresql@15-second.service running'],
    {},
    'OTHER_CLUSTERS',
    'postgresql@15-second (port 5433): the packages restart it',
  ],
  [
    'OtherClusters',
    [
      'other=5434 /data/16 /usr/lib/postgresql/16/bin postgresql@16-main.service down',
      'otherPath=/data/16 /data /dev/xvdf ext4',
    ],
    {},
    'OTHER_CLUSTERS',
    'lies on /data too',
  ],
  ['Manager', ['managers=patroni '], {}, 'MANAGED', 'patroni runs'],
  ['BaseBackup', [], { backups: 1 }, 'BACKUP_RUNNING', 'a base backup is running'],
  ['Standbys', [`standby=${standby}`], {}, 'HAS_STANDBYS', 'replica1 at 10.0.0.2 (12 bytes behind) follows'],
  ['Standbys', [], { standby: true }, 'IS_STANDBY', 'the server is a standby'],
  ['PreparedTransactions', [], { prepared: 2 }, 'PREPARED_TRANSACTIONS', '2 prepared'],
  [
    'Collation',
    ['collation={"database":"app","recorded":"2.31","actual":"2.36"}'],
    {},
    'COLLATION_CHANGED',
    'app (2.31 → 2.36)',
  ],
])(
  'refuses %s by name, and not where it is accepted or nobody asks (%#)',
  async (word, more, changed, code, text) => {
    expect(await asked({ Refuse: all }, more, changed)).toMatchObject({
      kind: 'failed',
      code,
      message: expect.stringContaining(text),
    });
    expect(await asked({ Refuse: all, Accept: [word] }, more, changed)).toMatchObject({ kind: 'done' });
    expect(await asked({}, more, changed)).toMatchObject({ kind: 'done' });
  },
);

test('an older target is refused by its name', async () => {
  expect(await asked({ Refuse: all, Target: '15.17-0+deb12u1' })).toMatchObject({ code: 'OLDER_VERSION' });
  expect(await asked({ Refuse: all, Target: '15.20-0+deb12u1' })).toMatchObject({
    outputs: { Change: 'upgrade' },
  });
});

test('another cluster that only stands there is no reason', async () => {
  expect(
    await asked({ Refuse: all }, [
      'other=5435 /else/14 /usr/lib/postgresql/14/bin postgresql@14-main.service running',
    ]),
  ).toMatchObject({ kind: 'done' });
});

test.each(['slot=no json', 'path=odd /x /y z w', 'standby=[1]'])(
  'words that cannot be its own are an error: %s',
  async (line) => {
    await expect(asked({}, [line])).rejects.toMatchObject({ code: 'UNREADABLE_REPLY' });
  },
);

test.each([
  ['15.18-0+deb12u1', '15.20-0+deb12u1', 'upgrade'],
  ['15.18-0+deb12u1', '15.18-0+deb12u1', 'none'],
  ['15.18-0+deb12u1', '15.18-0+deb12u2', 'upgrade'],
  ['15.9-1.pgdg', '15.10-1.pgdg', 'upgrade'],
  ['15.20-1', '15.18-1', 'downgrade'],
  ['9.2.24-1', '9.2.23-1', 'downgrade'],
])('from %s to %s is %s', (installed, target, change) => {
  expect(changeTo(installed, target)).toBe(change);
});

const second = [
  'other=5433 /data/second /usr/lib/postgresql/15/bin postgresql@15-second.service running',
  'otherPath=/data/second /data /dev/xvdf ext4',
  'otherPath=/data/second /more /dev/xvdh ext4',
];

test('Include: all takes the other clusters along, with all that they lie on', async () => {
  expect(await asked({ Refuse: all }, second)).toMatchObject({ code: 'OTHER_CLUSTERS' });
  expect(await asked({ Refuse: all, Include: 'all' }, second)).toMatchObject({
    kind: 'done',
    outputs: { Included: ['postgresql@15-second'], Mounts: ['/data', '/wal', '/more'] },
  });
});

test('a manager that says it is paused is no reason to refuse, unless the server runs below its unit', async () => {
  expect(await asked({ Refuse: all }, ['managers=patroni'])).toMatchObject({ code: 'MANAGED' });
  expect(await asked({ Refuse: all }, ['managers=patroni', 'paused=patroni'])).toMatchObject({
    kind: 'done',
  });
  expect(
    await asked({ Refuse: all }, ['managers=patroni', 'managers=repmgrd', 'paused=patroni']),
  ).toMatchObject({
    code: 'MANAGED',
    message: expect.stringContaining('repmgrd runs'),
  });
  // Of two that bear the name one is paused.
  expect(
    await asked({ Refuse: all }, [
      'managers=patroni',
      'paused=patroni',
      'managers=patroni',
      'unpaused=patroni',
    ]),
  ).toMatchObject({ code: 'MANAGED' });
  const below = 'server=37 5432 /data/15 /usr/lib/postgresql/15/bin patroni.service /var/run/postgresql';
  expect(await asked({ Refuse: all }, ['managers=patroni', 'paused=patroni'], {}, below)).toMatchObject({
    code: 'MANAGED',
    message: expect.stringContaining('leaves it running'),
  });
});

test.each([
  ['the data', 'room=/data/15 65535', 'NO_ROOM'],
  ['the data, with just enough', 'room=/data/15 65536', null],
  ['the programs', 'room=/usr/lib/postgresql/15/bin 262143', 'NO_ROOM'],
  ['the programs, with just enough', 'room=/usr/lib/postgresql/15/bin 262144', null],
  ['what df did not say', 'room=/data/15 -', null],
])('room for %s', async (_what, line, code) => {
  expect(await asked({ Refuse: all }, [line])).toMatchObject(code === null ? { kind: 'done' } : { code });
});

test.each([
  [{ Name: 'libicu72', From: '72.1-3', To: '72.1-4' }, 'COLLATION_COMES'],
  [{ Name: 'libicu74', From: null, To: '74.2' }, 'COLLATION_COMES'],
  [{ Name: 'libc6', From: '2.36-9', To: '2.41-1' }, 'COLLATION_COMES'],
  [{ Name: 'glibc-common', From: '2.34-1', To: '2.34-2' }, 'COLLATION_COMES'],
  [{ Name: 'libpq5', From: '15.18', To: '15.20' }, null],
  [{ Name: 'libcurl4', From: '1', To: '2' }, null],
])('a plan with %o', async (change, code) => {
  expect(await asked({ Refuse: all, Plan: [change] })).toMatchObject(
    code === null ? { kind: 'done' } : { code },
  );
  expect(await asked({ Refuse: all, Plan: [change], Accept: ['Collation'] })).toMatchObject({ kind: 'done' });
});

test('AllowDowngrade lets an older version be meant', async () => {
  const older = { Refuse: all, Target: '15.17-0+deb12u1' };
  expect(await asked(older)).toMatchObject({ code: 'OLDER_VERSION' });
  expect(await asked({ ...older, AllowDowngrade: true })).toMatchObject({
    kind: 'done',
    outputs: { Change: 'downgrade' },
  });
});
