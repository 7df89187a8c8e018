/**
 * runbooks/patch-postgresql.yaml: the verdict on the data in one rollback after the other: what an old verdict must not decide, what leads
 * out where nobody can judge, and whose server it is about.
 */
import { expect } from 'vitest';
import type { DrawnCases } from '../drawn-cases.ts';
import { isThorough } from '../sample.ts';
import { outputOf, textOf, undoResults } from '../patch/command.ts';
import { shipped, withAccident } from '../patch/runbooks.ts';
import { callerArn, unit, type Stage } from '../patch/stage.ts';
import { runOf } from '../patch/way.ts';

const asPostgres = (sql: string, port = 5432) =>
  `cd / && runuser -u postgres -- psql -XAtqc "${sql}" -p ${port}`;
const broken = '/etc/postgresql/15/main/conf.d/broken.conf';
const hba = '/etc/postgresql/15/main/pg_hba.conf';

export function judgedCases(
  cases: DrawnCases,
  stageOf: () => Stage,
  words: (file: string) => readonly string[],
): void {
  const reject = async (stage: Stage): Promise<void> => {
    const { executionId } = await stage.show();
    const said = await stage.belay(['reject', executionId, '--comment', 'not so']);
    expect(said.code, said.stderr).toBe(0);
  };
  const question = async (stage: Stage): Promise<string> => (await stage.show()).waiting?.message ?? '';

  cases.test(
    'hurt after a patch that succeeded: its rollback asks the data anew and then a person; rejected the snapshot stays, approved the rows come back',
    async () => {
      const stage = stageOf();
      await stage.reset();
      const { inventory } = stage.world;
      const volume = stage.dataVolume();
      const forward = await stage.belay(words(shipped), inventory);
      expect(forward.code, forward.stderr).toBe(0);
      await stage.onHost(asPostgres('delete from accounts where id % 2 = 0'));
      const hurt = await stage.data();
      const { executionId } = await stage.show();

      const back = stage.begin(['rollback', executionId], inventory);
      await back.says('AskRestore', 240);
      expect(await question(stage)).toContain(`${stage.soundData} after it, and ${hurt} now`);
      await reject(stage);
      const { code, stderr } = await back.ended;
      expect(code, stderr).toBe(4);
      expect(stderr).toContain('kept: restore point');
      expect(stage.calls('DeleteSnapshot')).toEqual([]);
      expect(await stage.serverVersion()).toBe(stage.versions.old.server);
      expect(await stage.data()).toBe(hurt);

      const again = stage.begin(['rollback', executionId, '--step', 'SnapshotData'], inventory);
      await again.says('AskRestore', 120);
      expect((await stage.belay(['approve', executionId, '--step', 'AskRestore'])).code).toBe(0);
      const second = await again.ended;
      expect(second.code, second.stderr).toBe(0);
      expect(await stage.data()).toBe(stage.soundData);
      expect(await stage.hasSnapshot(textOf(await stage.show(), 'SnapshotData', 'SnapshotIds'))).toBe(true);
      // Who tidies up by doctor finds what was taken out, and nothing that is in use.
      const doctor = await stage.belay(['doctor'], inventory);
      const said = doctor.stdout + doctor.stderr;
      expect(said).toContain(volume);
      expect(said).not.toContain(stage.dataVolume());
    },
  );

  for (const [what, accident, mend, state] of [
    ['does not start', `echo 'no_such_setting = 1' >${broken}`, `rm -f ${broken}`, 'silent'],
    [
      'lets nobody ask',
      `sed -i '1i local all all reject' ${hba}`,
      `sed -i 1d ${hba}; systemctl reload ${unit}`,
      'refusing',
    ],
  ] as const)
    cases.test(
      `the old server ${what}: the snapshot stays and a person is asked; once that is mended the rollback goes through`,
      async () => {
        const stage = stageOf();
        await stage.reset();
        const { inventory } = stage.world;
        const text = withAccident(accident).replace(
          "ServerVersion: '{{ Patch.Version }}'",
          "ServerVersion: '15.99'",
        );
        const running = stage.begin(words(await stage.runbook('mute.yaml', text)), inventory);
        try {
          await running.says('AskRestore', 300);
          const asked = await question(stage);
          expect(asked).toContain('cannot be judged');
          expect(asked).toContain(`the server: ${state}`);
          if (state === 'silent') expect(asked).toContain('no_such_setting');
          await reject(stage);
          const { code, stderr } = await running.ended;
          expect(code, stderr).toBe(4);
          expect(stderr).not.toContain('is as it was');
          expect(stage.calls('DeleteSnapshot')).toEqual([]);
          expect(stage.calls('CreateVolume')).toEqual([]);
        } finally {
          await running.end();
          await stage.onHost(mend);
        }
        const { executionId } = await stage.show();
        const back = await stage.belay(['rollback', executionId], inventory);
        expect(back.code, back.stderr).toBe(0);
        expect(await stage.onHost(`systemctl is-active ${unit}`)).toBe('active');
        expect(await stage.serverVersion()).toBe(stage.versions.old.server);
        expect(await stage.data()).toBe(stage.soundData);
        expect(stage.calls('DeleteSnapshot')).toHaveLength(1);
      },
    );

  cases.test(
    'somebody wrote while it was patched: the question says that this may be so, and a rejection keeps what was written',
    async () => {
      const stage = stageOf();
      await stage.reset();
      const more = asPostgres(
        "insert into accounts select g, 'new', 1 from generate_series(900001, 900010) g",
      );
      const file = await stage.runbook('written.yaml', withAccident(more));
      const running = stage.begin(words(file), stage.world.inventory);
      await running.says('AskRestore', 240);
      expect(await question(stage)).toContain('also when somebody wrote meanwhile');
      await reject(stage);
      const { code, stderr } = await running.ended;
      expect(code, stderr).toBe(4);
      expect(stderr).toContain('hurt, or written meanwhile');
      expect(undoResults(await stage.show())).toMatchObject({ Patch: 'undone', SnapshotData: 'failed' });
      expect(await stage.data()).toMatch(/^50010 /);
    },
  );

  cases.test(
    'of two clusters the other one is meant: its port is asked, its rows are the verdict, and the first keeps its own',
    async () => {
      const stage = stageOf();
      await stage.reset();
      const second = 'postgresql@15-second';
      const drop = `systemctl stop ${second} 2>/dev/null; pg_dropcluster 15 second 2>/dev/null; systemctl reset-failed ${second} 2>/dev/null; true`;
      await stage.onHost(
        `${drop}; pg_createcluster -p 5433 15 second -- --no-sync >/dev/null && systemctl start ${second}`,
      );
      await stage.onHost(asPostgres('create table theirs as select generate_series(1, 100) n', 5433));
      const file = await stage.runbook(
        'second.yaml',
        withAccident(asPostgres('delete from theirs where n > 50', 5433)),
      );
      const running = stage.begin(
        runOf(file, {
          Host: 'db1',
          Version: `${stage.versions.new.server}*`,
          Approvers: callerArn,
          Service: second,
          Accept: 'OtherClusters',
          DataQuery: 'select count(*) from theirs',
        }),
        stage.world.inventory,
      );
      await running.says('AskRestore', 240);
      const asked = await question(stage);
      expect(asked).toContain('port 5433');
      expect(asked).toContain('answered 100 before the patch, 50 after it, and 50 now');
      expect(asked).toContain(unit);
      await reject(stage);
      const { code, stderr } = await running.ended;
      expect(code, stderr).toBe(4);
      expect(outputOf(await stage.show(), 'Server', 'Port')).toBe(5433);
      expect(await stage.data()).toBe(stage.soundData);
      expect(await stage.onHost(asPostgres('select count(*) from theirs', 5433))).toBe('50');
      await stage.onHost(drop);
    },
  );

  if (!isThorough) return;
  cases.test(
    'an older version is refused by its name while the server runs, and installed where it is meant',
    async () => {
      const stage = stageOf();
      await stage.reset();
      const { inventory } = stage.world;
      const forward = await stage.belay(words(shipped), inventory);
      expect(forward.code, forward.stderr).toBe(0);
      const pid = () => stage.onHost(`systemctl show -p MainPID --value ${unit}`);
      const before = await pid();
      const older = [...words(shipped)].map((word) =>
        word.startsWith('Version=') ? `Version=${stage.versions.old.server}*` : word,
      );
      const refused = await stage.belay(older, inventory);
      expect(refused.code, refused.stderr).toBe(1);
      expect(refused.stderr).toContain('OLDER_VERSION');
      expect(await pid()).toBe(before);
      const meant = await stage.belay([...older, '-p', 'AllowDowngrade=true'], inventory);
      expect(meant.code, meant.stderr).toBe(0);
      expect(await stage.serverVersion()).toBe(stage.versions.old.server);
      expect(await stage.data()).toBe(stage.soundData);
    },
  );
}
