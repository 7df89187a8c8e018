/**
 * src/actions/ebs/find-volumes.ts, src/actions/ebs/put-back.ts and src/actions/postgresql/server.ts in the shipped patch, on a
 * server whose WAL and tablespace lie on disks of their own.
 */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { worldMissing } from '../../lab/world.ts';
import { DrawnCases } from '../drawn-cases.ts';
import { outputOf, undoResults, type BelayCommand } from '../patch/command.ts';
import { shipped, withAccident, withStep } from '../patch/runbooks.ts';
import { callerArn, unit } from '../patch/stage.ts';
import { runOf } from '../patch/way.ts';
import { dataDirectory, raiseScene, spreadOut, type Scene } from './scene.ts';

const reason = worldMissing();
const caseMs = 400_000;
const query =
  "select 'a', count(*), md5(string_agg(md5(t::text), '' order by md5(t::text))) from accounts t union all select 'e', count(*), md5(string_agg(md5(t::text), '' order by md5(t::text))) from elsewhere t";
const hurtBoth =
  "cd / && runuser -u postgres -- psql -XAtqc 'delete from accounts where id % 2 = 0; delete from elsewhere where id % 3 = 0; checkpoint'";

/** The data is hurt while the server is patched, and once more right after the first restore. */
const hurtOnceMore = () =>
  withStep(
    withAccident(hurtBoth),
    '      - name: CheckRestored\n',
    `      - name: HurtOnce
        action: host:command
        inputs: { Host: '{{ Host }}', Script: ${JSON.stringify(`[ -e /root/once ] || { touch /root/once; ${hurtBoth}; }`)} }
`,
  );

describe.skipIf(reason)(
  `a server whose files lie on several disks${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let scene: Scene;
    let sound: string;
    let volumes: readonly string[];
    const inventory = () => scene.stage.world.inventory;
    const begin = (file: string, more: Readonly<Record<string, string>> = {}): BelayCommand =>
      scene.stage.begin(
        runOf(file, {
          Host: 'db1',
          Version: `${scene.stage.versions.new.server}*`,
          Approvers: callerArn,
          DataQuery: query,
          ...more,
        }),
        inventory(),
      );
    const approve = async (): Promise<void> => {
      const { executionId } = await scene.stage.show();
      const said = await scene.stage.belay(['approve', executionId, '--step', 'AskRestore']);
      expect(said.code, said.stderr).toBe(0);
    };

    beforeAll(async () => {
      scene = await raiseScene();
      await scene.stage.reset();
      volumes = await spreadOut(scene);
      sound = await scene.rows();
    }, 400_000);
    afterAll(async () => {
      await scene?.down();
    }, 120_000);

    // Each begins from sound data and the old version, so that any of them can be drawn alone.
    const cases = new DrawnCases();
    cases.test(
      'hurt data comes back whole, from one set of snapshots of all of them, with every mount as it was',
      async () => {
        const { stage } = scene;
        await stage.reset();
        await stage.onHost('rm -f /root/once');
        const mountsBefore = await stage.onHost(
          'findmnt -n -r -o TARGET,FSTYPE | grep -E "postgresql|/srv|/mnt" | sort',
        );
        const file = await stage.runbook('accident.yaml', hurtOnceMore());
        const running = begin(file);
        await running.says('AskRestore', 240);
        const { waiting } = await stage.show();
        expect(waiting?.message).toContain('differs');
        expect(waiting?.message).toContain(query);
        await approve();
        const { code, stderr } = await running.ended;
        expect(code, stderr).toBe(4);
        const shown = await stage.show();
        expect(outputOf(shown, 'SnapshotData', 'VolumeIds')).toEqual(expect.arrayContaining([...volumes]));
        expect(outputOf(shown, 'SnapshotData', 'VolumeIds')).toHaveLength(3);
        // Asked for once more it restores once more.
        expect(await scene.rows()).not.toBe(sound);
        expect(stage.calls('CreateVolume')).toHaveLength(3);
        const again = stage.begin(['rollback', shown.executionId, '--step', 'SnapshotData'], inventory());
        await again.says('AskRestore', 120);
        await approve();
        expect((await again.ended).code).toBe(0);
        expect(await scene.rows()).toBe(sound);
        expect(await stage.serverVersion()).toBe(stage.versions.old.server);
        expect(
          await stage.onHost('findmnt -n -r -o TARGET,FSTYPE | grep -E "postgresql|/srv|/mnt" | sort'),
        ).toBe(mountsBefore);
        expect(stage.calls('CreateVolume')).toHaveLength(6);
        expect(stage.calls('DeleteVolume')).toEqual([]);
      },
    );
    cases.test(
      'data hurt so that the server does not start: nobody can judge it, and an approver can still have it back',
      async () => {
        const { stage } = scene;
        await stage.reset();
        const file = await stage.runbook(
          'zeroed.yaml',
          withAccident(
            `systemctl stop ${unit}; dd if=/dev/zero of=${dataDirectory}/global/pg_control bs=8192 count=1 conv=notrunc 2>/dev/null; sync`,
          ),
        );
        const running = begin(file);
        await running.says('AskRestore', 300);
        expect((await stage.show()).waiting?.message).toContain('cannot be judged');
        await approve();
        const { stderr } = await running.ended;
        expect(await scene.rows()).toBe(sound);
        expect(await stage.onHost(`systemctl is-active ${unit}`)).toBe('active');
        expect(stderr).toContain('kept: restore point');
      },
    );
    cases.test(
      'under Include: all another cluster of the same volume is stopped with it, goes back with it, and runs again',
      async () => {
        const { stage } = scene;
        const [other, port] = ['postgresql@15-second', 5433];
        const drop =
          'systemctl stop postgresql@15-second 2>/dev/null; pg_dropcluster 15 second 2>/dev/null; systemctl reset-failed postgresql@15-second 2>/dev/null; true';
        await stage.onHost(drop);
        await stage.reset();
        await stage.onHost(
          `pg_createcluster -p ${port} 15 second -- --no-sync >/dev/null && systemctl start ${other}`,
        );
        await scene.sql('create table theirs as select generate_series(1, 100) n; checkpoint', port);
        const accident = `${hurtBoth}; runuser -u postgres -- psql -XAtqc 'delete from theirs where n > 50; checkpoint' -p ${port}`;
        const file = await stage.runbook('include.yaml', withAccident(accident));
        const running = begin(file, { Include: 'all', Service: unit });
        await running.says('AskRestore', 240);
        expect((await stage.show()).waiting?.message).toContain(other);
        expect(await scene.sql('select count(*) from theirs', port)).toBe('50');
        await approve();
        const { code, stderr } = await running.ended;
        expect(code, stderr).toBe(3);
        expect(await scene.rows()).toBe(sound);
        expect(await stage.serverVersion()).toBe(stage.versions.old.server);
        expect(await stage.onHost(`systemctl is-active ${other}`)).toBe('active');
        expect(await scene.sql('select count(*) from theirs', port)).toBe('100');
        await stage.onHost(drop);
      },
    );
    cases.test('a restored server that does not start is left again for the volumes that ran', async () => {
      const { stage } = scene;
      await stage.reset();
      const before = await stage.onHost('findmnt -n -o SOURCE /var/lib/postgresql');
      const volume = stage.dataVolume();
      const broken = withStep(
        withAccident(hurtBoth),
        '      - name: StartRestored\n',
        `      - name: Break
        action: host:command
        inputs: { Host: '{{ Host }}', Script: 'rm ${dataDirectory}/global/pg_control' }
`,
      );
      const running = begin(await stage.runbook('broken-restore.yaml', broken));
      await running.says('AskRestore', 240);
      const hurt = await scene.rows();
      await approve();
      const { code, stderr } = await running.ended;
      expect(code).toBe(4);
      expect(undoResults(await stage.show())).toMatchObject({ SnapshotData: 'failed', Patch: 'undone' });
      expect(stage.dataVolume()).toBe(volume);
      expect(await stage.onHost('findmnt -n -o SOURCE /var/lib/postgresql')).toBe(before);
      expect(await stage.onHost(`systemctl is-active ${unit}`)).toBe('active');
      expect(await scene.rows()).toBe(hurt);
      expect(stderr).toContain('kept: restore point');
      await scene.sql('drop table elsewhere; drop table accounts');
      await scene.sql(
        `create table elsewhere tablespace apart as select id, md5(id::text) v from generate_series(1, 20000) id; checkpoint`,
      );
      await stage.reset();
      sound = await scene.rows();
    });
    cases.test(
      'what is installed already stops nothing, and what must not be met is refused by its name while the server runs',
      async () => {
        const { stage } = scene;
        await stage.reset();
        const pid = await stage.onHost(`systemctl show -p MainPID --value ${unit}`);
        const refused = async (more: Readonly<Record<string, string>>) => {
          const { code, stderr } = await begin(shipped, more).ended;
          expect(await stage.onHost(`systemctl show -p MainPID --value ${unit}`), stderr).toBe(pid);
          expect(stage.calls('CreateSnapshots')).toEqual([]);
          return `${code} ${stderr}`;
        };
        const already = await refused({ Version: `${stage.versions.old.server}*` });
        expect(already).toMatch(/^0 /);
        expect(already).toContain('Done in');

        await stage.onHost('install -d -o postgres -g postgres -m 700 /opt/ts');
        await scene.sql(`create tablespace onroot location '/opt/ts'`);
        expect(await refused({})).toMatch(
          /^1 [^]*(FILES_ELSEWHERE|NO_VOLUME_BELOW|NOT_RESTORABLE|NOT_MOUNTED)/,
        );
        await scene.sql('drop tablespace onroot');

        await stage.onHost(
          'pg_createcluster 15 second -- --no-sync >/dev/null && systemctl start postgresql@15-second',
        );
        const other = await refused({ Service: unit });
        expect(other).toMatch(/^1 [^]*OTHER_CLUSTERS/);
        expect(other).toContain('postgresql@15-second');
        expect(await refused({})).toMatch(/^1 [^]*AMBIGUOUS_SERVER/);
        await stage.onHost('systemctl stop postgresql@15-second && pg_dropcluster 15 second');

        await scene.sql('create sequence moves');
        expect(await refused({ DataQuery: 'select clock_timestamp()' })).toMatch(/^1 [^]*UNSTABLE_CANARY/);
      },
    );
    cases.draw('PostgreSQL on several disks', caseMs);
  },
);
