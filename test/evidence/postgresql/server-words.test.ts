/**
 * src/actions/postgresql/server.ts, src/actions/postgresql/control.ts and src/actions/postgresql/check.ts on real servers in places and
 * states that a patch has to know: RHEL's layout, a manager, a disk without room, a server that was killed, an index that is damaged.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { check } from '../../../src/actions/postgresql/check.ts';
import { control } from '../../../src/actions/postgresql/control.ts';
import { server } from '../../../src/actions/postgresql/server.ts';
import type { JsonObject } from '../../../src/json.ts';
import type { AnyAction } from '../../../src/actions/define-action.ts';
import type { Host } from '../../../src/transports/host.ts';
import { run } from '../../actions/host/drive.ts';
import { Lab } from '../../lab/hosts/lab.ts';
import { labHost } from '../../lab/lab-host.ts';

const reason = Lab.unavailable();
const main = '/var/lib/postgresql/15/main';
const unit = 'postgresql@15-main';

describe.skipIf(reason)(
  `what a server says of itself${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 120_000 },
  () => {
    let lab: Lab;
    let db1: Host;
    const onHost = async (script: string, stdin?: string) => {
      const { code, stdout, stderr } = await lab.exec('db1', script, stdin === undefined ? {} : { stdin });
      expect(code, stderr).toBe(0);
      return stdout.trim();
    };
    const sql = (text: string) =>
      onHost('cd / && runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1', text);
    const ask = async (action: AnyAction, inputs: JsonObject) =>
      (await run(action, { Host: 'db1', ...inputs }, { hosts: { db1 } })).ending;
    const refused = (word: string, more: JsonObject = {}) =>
      ask(server, { Unit: unit, Refuse: [word], ...more });

    beforeAll(async () => {
      lab = await Lab.up({ hosts: ['db1'] });
      db1 = labHost(lab, 'db1');
    }, 360_000);
    afterAll(() => lab?.down(), 60_000);

    test("RHEL's layout: found by its unit, port or folder, with its control file and its own log", async () => {
      await onHost(`mkdir -p /usr/pgsql-15 && cp -a /usr/lib/postgresql/15/bin /usr/lib/postgresql/15/lib /usr/pgsql-15/
install -d -o postgres -g postgres -m 700 /var/lib/pgsql /var/lib/pgsql/15 /var/lib/pgsql/15/data
cd / && runuser -u postgres -- /usr/lib/postgresql/15/bin/initdb -D /var/lib/pgsql/15/data >/dev/null
printf "port = 5439\\nlogging_collector = on\\nlog_directory = 'log'\\nunix_socket_directories = '/tmp'\\nshared_preload_libraries = ''\\n" >>/var/lib/pgsql/15/data/postgresql.conf
cat >/etc/systemd/system/postgresql-15.service <<'END'
[Service]
Type=notify
User=postgres
ExecStart=/usr/pgsql-15/bin/postgres -D /var/lib/pgsql/15/data
KillMode=mixed
KillSignal=SIGINT
END
systemctl daemon-reload && systemctl start postgresql-15`);
      for (const how of [{ Unit: 'postgresql-15' }, { Port: 5439 }, { DataDirectory: '/var/lib/pgsql' }]) {
        expect(await ask(server, how)).toMatchObject({
          kind: 'done',
          outputs: {
            Unit: 'postgresql-15',
            Port: 5439,
            DataDirectory: '/var/lib/pgsql/15/data',
            SocketDirectory: '/tmp',
            OtherClusters: [{ Unit: unit }],
          },
        });
      }
      const directory = { DataDirectory: '/var/lib/pgsql/15/data' };
      expect(await ask(control, { ...directory, MustBeShutDown: true })).toMatchObject({
        code: 'NOT_SHUT_DOWN',
      });
      await onHost('systemctl stop postgresql-15');
      expect(await ask(control, { ...directory, MustBeShutDown: true })).toMatchObject({
        kind: 'done',
        outputs: { State: 'shut down', IsShutDown: true, Timeline: 1 },
      });
      await onHost(
        `rm /var/lib/pgsql/15/data/global/pg_filenode.map; systemctl start postgresql-15; systemctl stop postgresql-15; true`,
      );
      const said = await ask(control, directory);
      expect(JSON.stringify(said.outputs?.['LogSays'])).toMatch(/FATAL|could not/);
      await onHost(
        'rm -rf /var/lib/pgsql /usr/pgsql-15 /etc/systemd/system/postgresql-15.service; systemctl daemon-reload',
      );
    });

    test('a manager counts as paused when it says so itself', async () => {
      await onHost(`printf '#!/bin/sh\\nexec sleep 600 # \\n' >/usr/local/bin/patroni; chmod 755 /usr/local/bin/patroni
cat >/usr/local/bin/patroni <<'END'
#!/bin/sh
sleep 600
END
cat >/usr/local/bin/patronictl <<'END'
#!/bin/sh
[ "$1 $2 $3" = "-c /etc/patroni.yml list" ] && cat /run/patroni.says
END
chmod 755 /usr/local/bin/patronictl; echo ' Cluster: main' >/run/patroni.says
systemd-run -q --unit fake-patroni /usr/local/bin/patroni /etc/patroni.yml`);
      expect(await refused('Manager')).toMatchObject({
        code: 'MANAGED',
        message: expect.stringContaining('patroni runs'),
      });
      await onHost("printf ' Cluster: main\\n Maintenance mode: on\\n' >/run/patroni.says");
      expect(await refused('Manager')).toMatchObject({
        kind: 'done',
        outputs: { PausedManagers: ['patroni'] },
      });
      await onHost('systemctl stop fake-patroni');
      expect(await refused('Manager')).toMatchObject({ kind: 'done', outputs: { Managers: [] } });
    });

    test('a disk without room is named before anything is stopped', async () => {
      await onHost('mkdir -p /var/lib/belay && mount -t tmpfs -o size=1m tmpfs /var/lib/belay');
      expect(await refused('Room')).toMatchObject({
        code: 'NO_ROOM',
        message: expect.stringContaining('at /var/lib/belay'),
      });
      await onHost('umount /var/lib/belay');
      expect(await refused('Room')).toMatchObject({ kind: 'done' });
    });

    test('a running base backup is named', async () => {
      await onHost(
        `cd / && runuser -u postgres -- sh -c 'systemd-run --help >/dev/null; (pg_basebackup -D /tmp/copy -X none --max-rate=32k -c fast >/dev/null 2>&1 &)'`,
      );
      let ending = await refused('BaseBackup');
      for (let tries = 0; tries < 40 && ending.kind === 'done'; tries += 1)
        ending = await refused('BaseBackup');
      expect(ending).toMatchObject({ code: 'BACKUP_RUNNING' });
      await onHost('pkill -x pg_basebackup; rm -rf /tmp/copy');
    });

    test('an index that is damaged is found where amcheck is installed, and by nothing where it is not', async () => {
      await sql(
        'create table t as select id, md5(id::text) v from generate_series(1, 3000) id; create index i on t (v); checkpoint',
      );
      const file = await sql("select pg_relation_filepath('i')");
      const Canary = { Query: '' };
      const sound = await ask(check, { Canary });
      expect(sound).toMatchObject({ kind: 'done', outputs: { Damage: null } });
      await sql('create extension amcheck');
      const before = await ask(check, { Canary });
      expect(before).toMatchObject({ kind: 'done', outputs: { Damage: null } });
      await onHost(
        `systemctl stop ${unit}; dd if=/dev/urandom of=${main}/${file} bs=8192 seek=2 count=1 conv=notrunc 2>/dev/null; systemctl start ${unit}`,
      );
      const after = await ask(check, {
        WaitSeconds: 30,
        Canary: { ...Canary, Equals: before.outputs?.['Answer'] ?? null },
      });
      expect(after).toMatchObject({
        kind: 'failed',
        code: 'DATA_DAMAGED',
        outputs: { Intact: false, Verdict: 'differs' },
      });
      await sql('drop extension amcheck; drop table t');
    });

    test('a server that was killed in place of shut down is known by its control file', async () => {
      await onHost(
        `systemctl kill -s KILL ${unit}; for n in $(seq 50); do systemctl is-active -q ${unit} || break; sleep 0.2; done`,
      );
      expect(await ask(control, { DataDirectory: main, MustBeShutDown: true })).toMatchObject({
        code: 'NOT_SHUT_DOWN',
        message: expect.stringContaining('its control file says in production'),
      });
      await onHost(`systemctl reset-failed ${unit}; systemctl start ${unit}`);
    });
  },
);
