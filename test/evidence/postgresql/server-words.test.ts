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
import { run } from '../../support/action-bed.ts';
import { Lab } from '../../lab/hosts/lab.ts';
import { labHost } from '../../lab/lab-host.ts';
import { drawn } from '../sample.ts';

const reason = Lab.unavailable();
const main = '/var/lib/postgresql/15/main';
const unit = 'postgresql@15-main';

const layouts = [
  {
    layout: "RHEL's, of the PostgreSQL project's rpms",
    prefix: '/usr/pgsql-15',
    service: 'postgresql-15',
    data: '/var/lib/pgsql/15/data',
    start: 'ExecStart=/usr/pgsql-15/bin/postgres -D /var/lib/pgsql/15/data',
  },
  {
    layout: "RHEL's own, with PGDATA in the environment of the unit",
    prefix: '/usr/pgsql-15',
    service: 'postgresql',
    data: '/var/lib/pgsql/data',
    start: 'Environment=PGDATA=/var/lib/pgsql/data\nExecStart=/usr/pgsql-15/bin/postmaster -D ${PGDATA}',
  },
  {
    layout: 'one in no list',
    prefix: '/opt/own/pg',
    service: 'own-pg',
    data: '/var/lib/pgsql/own',
    start: 'Environment=PGDATA=/var/lib/pgsql/own\nExecStart=/opt/own/pg/bin/postgres',
  },
];
/** CI draws one of them. */
const someLayouts = drawn(
  'a layout of PostgreSQL',
  layouts.map(({ layout }) => layout),
);

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

    test.each(layouts.filter(({ layout }) => someLayouts.includes(layout)))(
      'a layout is found by its unit, port or folder, with its control file and its own log: $layout',
      async ({ prefix, service, data, start }) => {
        await onHost(`mkdir -p ${prefix} && cp -a /usr/lib/postgresql/15/bin /usr/lib/postgresql/15/lib ${prefix}/
install -d -o postgres -g postgres -m 700 /var/lib/pgsql $(dirname ${data}) ${data}
cd / && runuser -u postgres -- /usr/lib/postgresql/15/bin/initdb -D ${data} >/dev/null
printf "port = 5439\\nlogging_collector = on\\nlog_directory = 'log'\\nunix_socket_directories = '/tmp'\\nshared_preload_libraries = ''\\n" >>${data}/postgresql.conf
cat >/etc/systemd/system/${service}.service <<'END'
[Service]
Type=notify
User=postgres
${start}
KillMode=mixed
KillSignal=SIGINT
END
systemctl daemon-reload && systemctl restart ${service}`);
        try {
          // Debian's own clusters are a part of postgresql.service.
          await onHost(`systemctl start ${unit}`);
          for (const how of [{ Unit: service }, { Port: 5439 }, { DataDirectory: data }]) {
            expect(await ask(server, how)).toMatchObject({
              kind: 'done',
              outputs: {
                Unit: service,
                Port: 5439,
                DataDirectory: data,
                BinDirectory: `${prefix}/bin`,
                SocketDirectory: '/tmp',
                OtherClusters: [{ Unit: unit, IsRunning: true }],
              },
            });
          }
          const directory = { DataDirectory: data };
          expect(await ask(control, { ...directory, MustBeShutDown: true })).toMatchObject({
            code: 'NOT_SHUT_DOWN',
          });
          await onHost(`systemctl stop ${service}`);
          expect(await ask(control, { ...directory, MustBeShutDown: true })).toMatchObject({
            kind: 'done',
            outputs: { State: 'shut down', IsShutDown: true, Timeline: 1 },
          });
          await onHost(
            `rm ${data}/global/pg_filenode.map; systemctl start ${service}; systemctl stop ${service}; true`,
          );
          const said = await ask(control, directory);
          expect(JSON.stringify(said.outputs?.['LogSays'])).toMatch(/FATAL|could not/);
        } finally {
          await onHost(
            `systemctl stop ${service}; rm -rf /var/lib/pgsql ${prefix} /etc/systemd/system/${service}.service; systemctl daemon-reload; systemctl reset-failed ${service} 2>/dev/null; systemctl start ${unit}`,
          );
        }
      },
    );

    test('a server that recovers says so, is waited for, and is then judged', async () => {
      const Canary = { Query: "select count(*) from pg_class where relkind = 'r'" };
      const before = await ask(check, { Canary });
      expect(before).toMatchObject({ kind: 'done' });
      const Equals = before.outputs?.['Answer'] ?? null;
      const settings = '/etc/postgresql/15/main/conf.d/recovers.conf';
      // It recovers until the gate is open, however slow the machine is.
      await onHost(`rm -f /tmp/gate; systemctl stop ${unit}
printf "hot_standby = off\\nrestore_command = 'while [ ! -e /tmp/gate ]; do sleep 0.2; done; exit 1'\\n" >${settings}
runuser -u postgres -- touch ${main}/recovery.signal
systemctl start --no-block ${unit}
for n in $(seq 300); do pg_isready -q; [ $? = 1 ] && break; sleep 0.2; done`);
      try {
        expect(await ask(check, { Canary: { ...Canary, Equals } })).toMatchObject({
          code: 'NOT_ANSWERING',
          message: expect.stringMatching(/starting up or recovering/),
          outputs: { State: 'recovering', Intact: null, Verdict: 'cannot be judged' },
        });
        expect((await ask(control, { DataDirectory: main })).outputs).toMatchObject({
          IsRunning: true,
          IsShutDown: false,
        });
        await onHost('touch /tmp/gate');
        expect(await ask(check, { WaitSeconds: 90, Canary: { ...Canary, Equals } })).toMatchObject({
          kind: 'done',
          outputs: { State: 'answers', Verdict: 'as before', InRecovery: false },
        });
      } finally {
        await onHost(`touch /tmp/gate; rm -f ${settings}; systemctl restart ${unit}; rm /tmp/gate`);
      }
    });

    test('a database that somebody has linked elsewhere is one of its files', async () => {
      const database = await sql("select oid from pg_database where datname = 'postgres'");
      try {
        await onHost(
          `systemctl stop ${unit}; mv ${main}/base/${database} /opt/linked && ln -s /opt/linked ${main}/base/${database}; systemctl start ${unit}`,
        );
        const found = await ask(server, { Unit: unit });
        expect(found).toMatchObject({
          outputs: {
            Files: expect.arrayContaining([expect.objectContaining({ Kind: 'data', Path: '/opt/linked' })]),
          },
        });
        expect(await refused('FilesElsewhere')).toMatchObject({
          code: 'FILES_ELSEWHERE',
          message: expect.stringContaining('/opt/linked'),
        });
      } finally {
        await onHost(
          `systemctl stop ${unit}; [ ! -d /opt/linked ] || { rm -f ${main}/base/${database}; mv /opt/linked ${main}/base/${database}; }; systemctl start ${unit}`,
        );
      }
      expect(await refused('FilesElsewhere')).toMatchObject({ kind: 'done' });
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
