/**
 * runbooks/postgresql/patch-replicas.yaml, runbooks/postgresql/rebuild-standby.yaml, src/actions/postgresql/replication.ts,
 * src/actions/postgresql/rebuild-standby.ts, src/actions/postgresql/can-follow.ts, src/actions/postgresql/follow.ts and
 * src/actions/postgresql/promote.ts: a primary with two standbys, under a writer.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Lab } from '../../lab/hosts/lab.ts';
import { runOf } from '../patch/way.ts';
import { DrawnCases } from '../drawn-cases.ts';
import { outputOf, undoResults, type BelayCommand } from '../patch/command.ts';
import { unit } from '../patch/stage.ts';
import { isThorough } from '../sample.ts';
import { rebuildCases } from './rebuild-cases.ts';
import { refusedCases } from './refused-cases.ts';
import { notDrawn, primary, raiseReplicas, standbys, type Replicas } from './replicas.ts';

const shipped = fileURLToPath(new URL('../../../runbooks/postgresql/patch-replicas.yaml', import.meta.url));
const rebuildStandby = fileURLToPath(
  new URL('../../../runbooks/postgresql/rebuild-standby.yaml', import.meta.url),
);
const reason = Lab.unavailable() ?? notDrawn('patched');
const caseMs = 500_000;

describe.skipIf(reason)(
  `a primary with two standbys is patched${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let replicas: Replicas;
    const begin = (file: string, more: Readonly<Record<string, string>> = {}): BelayCommand =>
      replicas.begin(
        runOf(file, {
          Cluster: 'postgres',
          Primary: primary,
          Standbys: standbys.join(','),
          Version: replicas.versions.new,
          Approvers: approver,
          ...more,
        }),
      );
    const switchover = () => ({
      SwitchoverTo: 'db2',
      CatchUpSeconds: '60',
      ConnInfo: `host=${replicas.world.lab.address('db2')} user=postgres`,
    });
    const approver = process.env['USER'] ?? 'root';
    const versions = async () =>
      await Promise.all([primary, ...standbys].map((host) => replicas.sql(host, 'show server_version')));
    const allOf = (version: string) =>
      [primary, ...standbys].map(() => expect.stringContaining(`${version})`));

    beforeAll(async () => {
      replicas = await raiseReplicas();
    }, 400_000);
    afterAll(async () => {
      await replicas?.down();
    }, 120_000);

    // Each begins from sound data and the old version, so that any of them can be drawn alone.
    const cases = new DrawnCases();
    cases.test(
      'standbys first, then the primary after an approval; taken back afterwards; no acknowledged row is missing anywhere',
      async () => {
        await replicas.reset();
        await replicas.startWriter();
        const running = begin(shipped);
        await running.says('AskPrimary', 300);
        expect((await versions()).map((said) => said.includes(replicas.versions.new))).toEqual([
          false,
          true,
          true,
        ]);
        const { executionId } = await replicas.show();
        const said = await replicas.belay(['approve', executionId, '--step', 'AskPrimary']);
        expect(said.code, said.stderr).toBe(0);
        const { code, stderr } = await running.ended;
        expect(code, stderr).toBe(0);
        expect(await versions()).toEqual(allOf(replicas.versions.new));

        const back = await replicas.belay(['rollback', executionId]);
        expect(back.code, back.stderr).toBe(0);
        expect(await versions()).toEqual(allOf(replicas.versions.old));
        expect(await replicas.acknowledged()).toBeGreaterThan(50);
        for (const host of [primary, ...standbys]) expect(await replicas.lost(host)).toBe('');
      },
    );
    cases.test(
      'a standby that comes back wrong is taken back, with those before it, and the primary is never stopped',
      async () => {
        await replicas.reset();
        const pid = await replicas.onHost(primary, `systemctl show -p MainPID --value ${unit}`);
        const text = readFileSync(shipped, 'utf8').replace(
          "Expect: { ServerVersion: '{{ Patch.Version }}', InRecovery: true }",
          "Expect: { ServerVersion: '15.99', InRecovery: true }",
        );
        const { code, stderr } = await begin(await replicas.runbook('wrong.yaml', text)).ended;
        expect(code, stderr).toBe(3);
        expect(undoResults(await replicas.show())).toMatchObject({ 'PatchStandbys@db2/Patch': 'undone' });
        expect(await versions()).toEqual(allOf(replicas.versions.old));
        expect(await replicas.onHost(primary, `systemctl show -p MainPID --value ${unit}`)).toBe(pid);
      },
    );
    cases.test(
      'a switchover under a writer: the new primary serves, the old one and the other standby follow it; afterwards there is no way back, and it is said',
      async () => {
        await replicas.reset();
        await replicas.startWriter();
        const running = begin(shipped, switchover());
        await running.says('AskPrimary', 300);
        const { executionId } = await replicas.show();
        const said = await replicas.belay(['approve', executionId, '--step', 'AskPrimary']);
        expect(said.code, said.stderr).toBe(0);
        const { code, stderr } = await running.ended;
        expect(code, stderr).toBe(0);
        expect(await replicas.primaries()).toEqual(['db2']);
        expect(await versions()).toEqual(allOf(replicas.versions.new));
        const slots = 'select slot_name from pg_replication_slots order by 1';
        expect(await replicas.sql('db2', slots)).toBe('slot0\nslot1');
        expect(await replicas.sql(primary, slots)).toBe('');

        const back = await replicas.belay(['rollback', executionId]);
        expect(back.code, back.stderr).toBe(4);
        expect(back.stderr).toContain('POINT_OF_NO_RETURN');
        expect(await replicas.primaries()).toEqual(['db2']);
        expect(await replicas.sql(primary, 'select status from pg_stat_wal_receiver')).toBe('streaming');
        expect(await replicas.acknowledged()).toBeGreaterThan(50);
        for (const host of [primary, ...standbys]) expect(await replicas.lost(host)).toBe('');
      },
    );
    cases.test(
      'a standby that has not replayed all is not promoted: the old primary serves again, and everything is as before',
      async () => {
        await replicas.reset();
        await replicas.startWriter();
        const pause = (verb: string) =>
          `cd / && runuser -u postgres -- psql -XAtqc 'select pg_wal_replay_${verb}()'`;
        const text = readFileSync(shipped, 'utf8')
          .replace('  - name: AskPrimary\n', '  - name: NotAsked\n')
          .replace('action: aws:approve', 'action: aws:sleep')
          .replace(
            /    inputs:\n      Message: >-[^]*?MinRequiredApprovals: 1\n/,
            '    inputs: { Duration: PT1S }\n',
          )
          .replace('Default: AskPrimary', 'Default: NotAsked')
          .replace(
            '  - name: StopFormer\n',
            `  - name: Pause
    action: host:command
    inputs: { Host: db2, Script: "${pause('pause')}" }
    undo: { none: it is the accident that the test is about }

  - name: StopFormer
`,
          )
          .replace('Default: StopFormer', 'Default: Pause')
          .replace(
            '  - name: Fence\n',
            `  - name: ReplayGoesOnAfterwards
    action: aws:sleep
    inputs: { Duration: PT1S }
    undo:
      - name: Resume
        action: host:command
        inputs: { Host: db2, Script: "${pause('resume')}" }

  - name: Fence
`,
          )
          .replace('      FormerDirectory:', '      WaitSeconds: 2\n      FormerDirectory:');
        const { code, stderr } = await begin(await replicas.runbook('paused.yaml', text), switchover()).ended;
        expect(stderr).toContain('NOT_CAUGHT_UP');
        expect(code, stderr).toBe(3);
        expect(await replicas.primaries()).toEqual([primary]);
        expect(await versions()).toEqual(allOf(replicas.versions.old));
        for (const host of [primary, ...standbys]) expect(await replicas.lost(host)).toBe('');
      },
    );
    cases.test(
      'a switchover to what cannot be reached or rewound is refused while everything serves',
      async () => {
        await replicas.reset();
        const refused = async (ConnInfo: string) => {
          const { code, stderr } = await begin(shipped, { ...switchover(), ConnInfo }).ended;
          expect(code, stderr).toBe(1);
          return stderr;
        };
        expect(await refused('')).toContain('NO_CONNINFO');
        expect(await refused('host=127.0.0.1 port=1 user=postgres')).toContain('CANNOT_FOLLOW');
        expect(await replicas.primaries()).toEqual([primary]);
      },
    );
    cases.test('a standby that does not follow is refused before anything is touched', async () => {
      await replicas.reset();
      await replicas.onHost('db3', `systemctl stop ${unit}`);
      const { code, stderr } = await begin(shipped).ended;
      expect(code).toBe(1);
      expect(stderr).toContain('NOT_REPLICATING');
      expect(stderr).toContain('Nothing is left changed');
      await replicas.onHost('db3', `systemctl start ${unit}`);
    });
    cases.test(
      'a standby that went its own way is made anew and follows; what it held is kept, and comes back when that fails',
      async () => {
        await replicas.reset();
        const own = '/var/lib/postgresql/15/main';
        await replicas.onHost(
          'db3',
          `cd / && runuser -u postgres -- /usr/lib/postgresql/15/bin/pg_ctl -D ${own} promote -w`,
        );
        await replicas.sql('db3', 'create table astray as select 1 n');
        const rebuild = (more: readonly string[] = []) =>
          replicas.belay([...runOf(rebuildStandby, { Primary: primary, Standby: 'db3' }), ...more]);

        const refused = await rebuild(['-p', 'ConnInfo=host=127.0.0.1 port=1 user=postgres']);
        expect(refused.code, refused.stderr).toBe(3);
        expect(refused.stderr).toContain('PRIMARY_SILENT');
        expect(await replicas.sql('db3', 'select n from astray')).toBe('1');

        const text = readFileSync(rebuildStandby, 'utf8').replace(
          "Standbys: ['{{ Standby }}']",
          'Standbys: [b1]',
        );
        const failing = await replicas.runbook('never.yaml', text);
        const back = await replicas.belay([
          ...runOf(failing, { Primary: primary, Standby: 'db3', CatchUpSeconds: '1' }),
        ]);
        expect(back.code, back.stderr).toBe(3);
        expect(await replicas.sql('db3', 'select n from astray')).toBe('1');

        const rewound = await rebuild(['-p', 'Rewind=true']);
        expect(rewound.code, rewound.stderr).toBe(0);
        expect(outputOf(await replicas.show(), 'Rewind', 'WasRewound')).toBe(true);
        expect(await replicas.sql('db3', 'select pg_is_in_recovery()')).toBe('t');
        expect(await replicas.sql('db3', "select count(*) from pg_class where relname = 'astray'")).toBe('0');

        const done = await rebuild();
        expect(done.code, done.stderr).toBe(0);
        expect(await replicas.sql('db3', 'select pg_is_in_recovery()')).toBe('t');
        expect(await replicas.sql('db3', "select count(*) from pg_class where relname = 'astray'")).toBe('0');
        expect(await replicas.onHost('db3', `ls -d ${own}.before-* | wc -l`)).toBe('1');
        await replicas.onHost('db3', `rm -rf ${own}.before-*`);
      },
    );
    cases.test(
      'a standby on another port, behind a password of .pgpass, that went its own way is rewound, and made anew; a password as plain text is refused before anything is written down',
      async () => {
        const [unit, data] = ['postgresql@15-side', '/var/lib/postgresql/15/side'];
        const address = replicas.world.lab.address(primary);
        const secret = randomBytes(12).toString('hex');
        const own = `printf "listen_addresses = '*'\\nwal_log_hints = on\\nwal_keep_size = 256MB\\n" >/etc/postgresql/15/side/conf.d/replicas.conf
sed -i '1i host all,replication replica 10.0.0.0/8 scram-sha-256' /etc/postgresql/15/side/pg_hba.conf`;
        const drop = (host: string) =>
          replicas.onHost(
            host,
            `systemctl stop ${unit} 2>/dev/null; pg_dropcluster 15 side 2>/dev/null; rm -rf ${data}* ~postgres/.pgpass; systemctl reset-failed ${unit} 2>/dev/null; true`,
          );
        const ask = (host: string, port: number, text: string) =>
          replicas.onHost(host, `cd / && runuser -u postgres -- psql -XAtq -p ${port} -c "${text}"`);
        await drop(primary);
        await drop('db3');
        await replicas.onHost(
          primary,
          `pg_createcluster -p 5439 15 side -- --no-sync >/dev/null && ${own} && systemctl start ${unit}
cd / && runuser -u postgres -- psql -XAtq -p 5439 -v ON_ERROR_STOP=1`,
          `create role replica superuser replication login password '${secret}'`,
        );
        await replicas.onHost(
          'db3',
          `pg_createcluster -p 5440 15 side -- --no-sync >/dev/null && ${own} && rm -rf ${data}
umask 077; sed "s/^/${address}:5439:*:replica:/" >~postgres/.pgpass && chown postgres: ~postgres/.pgpass
cd / && HOME=~postgres runuser -u postgres -- pg_basebackup -w -d 'host=${address} port=5439 user=replica' -D ${data} -R -X stream -c fast
sed -i "s/ password=[^ ]*//; s/ passfile=[^ ]*//" ${data}/postgresql.auto.conf
systemctl start ${unit}`,
          secret,
        );
        const parameters = {
          Primary: primary,
          Standby: 'db3',
          PrimaryService: unit,
          CatchUpSeconds: '60',
          ConnInfo: `host=${address} port=5439 user=replica`,
        };
        const streams = () => ask('db3', 5440, 'select status from pg_stat_wal_receiver');
        await expect.poll(streams, { timeout: 60_000 }).toBe('streaming');
        for (const Rewind of ['true', 'false']) {
          await ask('db3', 5440, 'select pg_promote()');
          await ask('db3', 5440, 'create table astray as select 1 n');
          const said = await replicas.belay(runOf(rebuildStandby, { ...parameters, Rewind }));
          expect(said.code, said.stderr).toBe(0);
          const shown = await replicas.show();
          if (Rewind === 'true') expect(outputOf(shown, 'Rewind', 'WasRewound')).toBe(true);
          else expect(outputOf(shown, 'Copy', 'Kept')).toContain(`${data}.before-`);
          expect(await streams()).toBe('streaming');
          expect(await ask('db3', 5440, "select to_regclass('astray') is null")).toBe('t');
        }
        const refused = await replicas.belay(
          runOf(rebuildStandby, { ...parameters, ConnInfo: `host=${address} password=${secret}` }),
        );
        expect(refused.code, refused.stderr).toBe(2);
        expect(refused.stderr).toContain('PLAIN_PASSWORD');
        expect(refused.stderr).not.toContain(secret);
        await drop(primary);
        await drop('db3');
      },
    );
    refusedCases(cases, () => replicas);
    if (isThorough) rebuildCases(cases, () => replicas, rebuildStandby);
    cases.draw('a primary with two standbys', caseMs);
  },
);
