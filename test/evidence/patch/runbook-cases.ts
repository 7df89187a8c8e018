/** The runbook as Belay ships it, and copies of it in which one thing goes wrong. */
import { expect, test } from 'vitest';
import { outputOf, textOf, undoResults, type BelayCommand, type Shown } from './command.ts';
import { shipped, withAccident, withWrongVersion } from './runbooks.ts';
import { callerArn, dataQuery, mount, unit, type Stage } from './stage.ts';
import { caseMs, downgradeOf, runOf, upgradeOf, type Bench, type Target } from './way.ts';

const hurtHalf = "cd / && runuser -u postgres -- psql -XAtqc 'delete from accounts where id % 2 = 0'";

const begin = (
  stage: Stage,
  file: string,
  { host, inventory }: Target,
  version = `${stage.versions.new.server}*`,
): BelayCommand =>
  stage.begin(
    runOf(file, {
      Host: host,
      Version: version,
      Approvers: callerArn,
      DataQuery: dataQuery,
    }),
    inventory,
  );
const snapshotOf = (shown: Shown): string => textOf(shown, 'SnapshotData', 'SnapshotIds');

/** The old server, up, over data that nobody has hurt. */
async function expectAsBefore(stage: Stage): Promise<void> {
  expect(await stage.serverVersion()).toBe(stage.versions.old.server);
  expect(await stage.onHost(`systemctl is-active ${unit}`)).toBe('active');
  expect(await stage.data()).toBe(stage.soundData);
}

/** One new volume, made from the snapshot, is where the other was; both, and the snapshot, still exist. */
async function expectRestored(stage: Stage, shown: Shown, volume: string): Promise<void> {
  const snapshot = snapshotOf(shown);
  expect(stage.calls('CreateVolume').map(({ params }) => params['SnapshotId'])).toEqual([snapshot]);
  expect(stage.effects('volumeDetached').map(({ details }) => details['volumeId'])).toEqual([volume]);
  expect(stage.dataVolume()).not.toBe(volume);
  expect(textOf(shown, 'SnapshotData/undo/Restore', 'PreviousVolumeIds')).toBe(volume);
  expect(outputOf(shown, 'SnapshotData/undo/CheckRestored', 'Intact')).toBe(true);
  expect(await stage.onHost(`findmnt -n -o SOURCE ${mount}`)).toBe('/dev/xvdf');
  expect(stage.calls('DeleteVolume')).toEqual([]);
  expect(await stage.hasSnapshot(snapshot)).toBe(true);
}

export function runbookCases({ way, ...bench }: Bench): void {
  test(
    'a version that nobody has is refused while the server runs',
    async () => {
      const stage = bench.stage();
      const pid = await stage.onHost(`systemctl show -p MainPID --value ${unit}`);
      const { code, stderr } = await begin(
        stage,
        shipped,
        way.target(stage, bench.inventory()),
        `${stage.versions.new.server}9*`,
      ).ended;
      expect(stderr).toContain('Failed at Stage: NO_SUCH_VERSION');
      expect(stderr).toContain(stage.versions.new.full);
      expect(stderr).toContain('Nothing is left changed.');
      expect(code).toBe(1);
      expect(stage.calls('CreateSnapshot')).toEqual([]);
      expect(await stage.onHost(`systemctl show -p MainPID --value ${unit}`)).toBe(pid);
      await expectAsBefore(stage);
    },
    caseMs,
  );

  test(
    'a version that is not the wanted one: the packages go back, no volume is touched, and the snapshot goes',
    async () => {
      const stage = bench.stage();
      const volume = stage.dataVolume();
      const file = await stage.runbook('wrong-version.yaml', withWrongVersion());
      const { code, stderr } = await begin(stage, file, way.target(stage, bench.inventory())).ended;

      expect(stderr).toContain('VERSION_MISMATCH');
      expect(stderr).toContain(`the server answers ${stage.versions.new.server}, wanted 15.99`);
      expect(stderr).toMatch(/Failed at VerifyData, rolled back clean in .*\. \S+ is as it was at /);
      expect(stderr).not.toContain('kept:');
      expect(code).toBe(3);
      const shown = await stage.show();
      expect(shown).toMatchObject({ status: 'Failed', rollbackStatus: 'clean', failedStep: 'VerifyData' });
      expect(outputOf(shown, 'VerifyData', 'Intact')).toBe(true);

      await expectAsBefore(stage);
      expect(await stage.dpkgLog()).toEqual([upgradeOf(stage), downgradeOf(stage)]);
      expect(stage.calls('CreateVolume')).toEqual([]);
      expect(stage.calls('DetachVolume')).toEqual([]);
      expect(stage.dataVolume()).toBe(volume);
      expect(stage.calls('DeleteSnapshot')).toHaveLength(1);
      expect(await stage.hasSnapshot(snapshotOf(shown))).toBe(false);
      await way.proof(stage);
    },
    caseMs,
  );

  test(
    'hurt data: after an approval that names the loss, the volumes come back from the snapshot',
    async () => {
      const stage = bench.stage();
      const volume = stage.dataVolume();
      const file = await stage.runbook('accident.yaml', withAccident(hurtHalf));
      const running = begin(stage, file, way.otherTarget(stage, bench.inventory()));
      await running.says('AskRestore', 180);

      const asked = await stage.show();
      expect(asked).toMatchObject({
        status: 'Failed',
        rollbackStatus: 'waiting',
        waiting: { kind: 'approval' },
      });
      const message = asked.waiting?.message ?? '';
      const hurt = await stage.data();
      expect(hurt).toMatch(/^25000 /);
      expect(message).toContain(
        `answered ${stage.soundData} before the patch, ${hurt} after it, and ${hurt} now`,
      );
      expect(message).toMatch(
        /Put the volumes .* back to \d{4}-\d\d-\d\dT[\d:.]+Z\? Everything written since then is lost/,
      );
      // Going back to the old packages loses nothing, so nobody is asked about that.
      expect(await stage.serverVersion()).toBe(stage.versions.old.server);
      expect(stage.calls('CreateVolume')).toEqual([]);

      const said = await stage.belay(['approve', asked.executionId, '--step', 'AskRestore']);
      expect(said.code).toBe(0);
      const { code, stderr } = await running.ended;
      expect(stderr).toMatch(/Failed at VerifyData, rolled back clean in /);
      expect(code).toBe(3);
      const shown = await stage.show();
      expect(shown).toMatchObject({ status: 'Failed', rollbackStatus: 'clean', failedStep: 'VerifyData' });
      expect(undoResults(shown)).toMatchObject({ Patch: 'undone', SnapshotData: 'undone' });
      await expectAsBefore(stage);
      await expectRestored(stage, shown, volume);
      expect(await stage.dpkgLog()).toEqual([upgradeOf(stage), downgradeOf(stage)]);
      const ending = stderr.slice(stderr.indexOf('Failed at VerifyData'));
      expect(ending).toContain(`kept: restore point ${snapshotOf(shown)}`);
      expect(ending).toContain(`/dev/sdf is ${stage.dataVolume()}, was ${volume}`);
      await way.proof(stage);
    },
    caseMs,
  );

  test(
    'hurt data and a rejection: the snapshot stays and is named, and the data is left as it is',
    async () => {
      const stage = bench.stage();
      const volume = stage.dataVolume();
      const target = way.target(stage, bench.inventory());
      const file = await stage.runbook('accident.yaml', withAccident(hurtHalf));
      const running = begin(stage, file, target);
      await running.says('AskRestore', 180);
      const hurt = await stage.data();
      const { executionId } = await stage.show();
      const said = await stage.belay(['reject', executionId, '--comment', 'they were to go']);
      expect(said.code).toBe(0);

      const { code, stderr } = await running.ended;
      expect(code).toBe(4);
      const shown = await stage.show();
      const snapshot = snapshotOf(shown);
      const ending = stderr.slice(stderr.indexOf('Failed at VerifyData'));
      expect(ending).toContain('Failed at VerifyData, rollback PARTIAL.');
      expect(ending).toContain('rejected SnapshotData/undo/AskRestore: they were to go');
      expect(ending).toContain(`kept: restore point ${snapshot}`);
      expect(ending.trimEnd().split('\n').at(-1)).toContain(
        `belay rollback ${executionId} --step SnapshotData asks again`,
      );
      expect(shown).toMatchObject({ status: 'Failed', rollbackStatus: 'partial' });
      expect(undoResults(shown)).toMatchObject({ Patch: 'undone', SnapshotData: 'failed' });

      expect(await stage.hasSnapshot(snapshot)).toBe(true);
      expect(stage.calls('CreateVolume')).toEqual([]);
      expect(stage.calls('DetachVolume')).toEqual([]);
      expect(stage.dataVolume()).toBe(volume);
      expect(hurt).toMatch(/^25000 /);
      expect(await stage.data()).toBe(hurt);
      expect(await stage.serverVersion()).toBe(stage.versions.old.server);
      expect(await stage.onHost(`systemctl is-active ${unit}`)).toBe('active');
      await way.proof(stage);
      if (!way.isThorough) return;

      const again = stage.begin(['rollback', executionId, '--step', 'SnapshotData'], target.inventory);
      await again.says('AskRestore', 60);
      expect((await stage.belay(['approve', executionId])).code).toBe(0);
      const second = await again.ended;
      expect(second.stderr).toContain('rolled back clean in ');
      expect(second.code).toBe(0);
      await expectAsBefore(stage);
      await expectRestored(stage, await stage.show(), volume);
    },
    caseMs,
  );

  test(
    'as shipped it upgrades the server and keeps the snapshot',
    async () => {
      const stage = bench.stage();
      const target = way.target(stage, bench.inventory());
      const { code, stdout, stderr } = await begin(stage, shipped, target).ended;
      expect(code).toBe(0);
      const shown = await stage.show();
      const snapshot = snapshotOf(shown);
      expect(stderr).toContain(
        `postgresql-15 ${stage.versions.old.server} → ${stage.versions.new.server}, 2 more`,
      );
      const ending = stderr.slice(stderr.indexOf('Done in '));
      expect(ending).toContain(`4 changed on ${target.host}.`);
      expect(ending).toContain(snapshot);
      expect(ending).toContain(`belay rollback ${shown.executionId} takes everything back`);
      expect(stdout).toContain(`VerifyData.ServerVersion: ${stage.versions.new.server}`);
      expect(shown).toMatchObject({ status: 'Success', rollbackStatus: 'notRequested' });
      expect(await stage.serverVersion()).toBe(stage.versions.new.server);
      expect(await stage.onHost(`systemctl is-active ${unit}`)).toBe('active');
      expect(await stage.data()).toBe(stage.soundData);
      expect(await stage.hasSnapshot(snapshot)).toBe(true);
      expect(stage.calls('PutComplianceItems')).toHaveLength(1);
      expect(await stage.dpkgLog()).toEqual([upgradeOf(stage)]);
      await way.proof(stage);
      if (!way.isThorough) return;

      const back = await stage.belay(['rollback', shown.executionId], target.inventory);
      expect(back.stderr).toMatch(/Rolled back clean in .*\. \S+ is as it was at /);
      expect(back.code).toBe(0);
      await expectAsBefore(stage);
      expect(await stage.dpkgLog()).toEqual([upgradeOf(stage), downgradeOf(stage)]);
      expect(await stage.hasSnapshot(snapshot)).toBe(false);
      expect(stage.calls('CreateVolume')).toEqual([]);
    },
    caseMs,
  );
}
