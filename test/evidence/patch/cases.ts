/** What must be seen of the PostgreSQL patch, whichever way the host is reached. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { worldMissing, type LabWorldWithAws } from '../../lab/world.ts';
import { outputOf, textOf, undoResults } from './command.ts';
import { plainDocument, shipped, withAccident, withWrongVersion } from './runbooks.ts';
import {
  callerArn,
  dataQuery,
  mount,
  packages,
  raiseStage,
  unit,
  type Inventory,
  type Stage,
} from './stage.ts';

/** A way to reach db1. */
export interface Way {
  readonly title: string;
  readonly inventory: (world: LabWorldWithAws) => Inventory;
  /** What runbooks are given as Host or InstanceId, and the inventory that knows it. */
  readonly target: (stage: Stage, inventory: Inventory) => Target;
  /** The same host under its other name. */
  readonly otherTarget: (stage: Stage, inventory: Inventory) => Target;
  /** After each run: that it was this way. */
  readonly proof: (stage: Stage) => Promise<void>;
  /** What of the network has to be so for the proof to mean anything. */
  readonly ground: (stage: Stage) => Promise<void>;
}

export interface Target {
  readonly host: string;
  readonly inventory: Inventory | null;
}

const caseMs = 240_000;
const hurtHalf = "cd / && runuser -u postgres -- psql -XAtqc 'delete from accounts where id % 2 = 0'";

const runOf = (file: string, parameters: Readonly<Record<string, string>>): string[] => [
  'run',
  file,
  ...Object.entries(parameters).flatMap(([name, value]) => ['-p', `${name}=${value}`]),
];

export function patchCases(way: Way): void {
  const reason = worldMissing();
  const skipped = reason === undefined ? '' : ` (skipped: ${reason})`;
  describe.skipIf(reason)(`PostgreSQL is patched ${way.title}${skipped}`, () => {
    let stage: Stage;
    let inventory: Inventory;
    beforeAll(async () => {
      stage = await raiseStage();
      inventory = way.inventory(stage.world);
    }, 400_000);
    afterAll(async () => {
      await stage?.down();
      expect(stage?.world.endpoint.problems).toEqual([]);
    }, 120_000);
    beforeEach(() => stage.reset(), 120_000);

    const upgrade = () => `${stage.versions.old.full} → ${stage.versions.new.full}`;
    const downgrade = () => `${stage.versions.new.full} → ${stage.versions.old.full}`;
    /** `run` of the stateful runbook, or of a copy of it. */
    const patching = (file: string, { host, inventory }: Target) => ({
      args: runOf(file, {
        Host: host,
        Version: `${stage.versions.new.server}*`,
        Approvers: callerArn,
        DataQuery: dataQuery,
      }),
      inventory,
    });
    /** `run` of the plain document. */
    const plainly = async (expected: string, more: readonly string[] = []) => {
      const { host, inventory: known } = way.target(stage, inventory);
      const args = runOf(plainDocument, {
        InstanceId: host,
        DataVolumeId: stage.dataVolume(),
        ServiceName: unit,
        PackageNames: packages.join(' '),
        ExpectedVersion: expected,
      });
      return stage.belay([...args, ...more], known);
    };
    const serviceIsUp = async () => expect(await stage.onHost(`systemctl is-active ${unit}`)).toBe('active');
    const snapshotOf = async () => textOf(await stage.show(), 'SnapshotData', 'SnapshotIds');

    test('nothing else leads to the host', () => way.ground(stage));

    test(
      'a version that is not the wanted one: the packages go back, no volume is touched, and the snapshot goes',
      async () => {
        const volume = stage.dataVolume();
        const file = await stage.runbook('wrong-version.yaml', withWrongVersion());
        const { args, inventory: known } = patching(file, way.target(stage, inventory));
        const { code, stderr } = await stage.belay(args, known);

        expect(stderr).toContain('VERSION_MISMATCH');
        expect(stderr).toContain(`the server answers ${stage.versions.new.server}, wanted 15.99`);
        expect(stderr).toMatch(/Failed at VerifyData, rolled back clean in /);
        expect(code).toBe(3);
        const shown = await stage.show();
        expect(shown).toMatchObject({ status: 'Failed', rollbackStatus: 'clean', failedStep: 'VerifyData' });
        expect(outputOf(shown, 'VerifyData', 'Intact')).toBe(true);

        expect(await stage.dpkgLog()).toEqual([upgrade(), downgrade()]);
        expect(await stage.serverVersion()).toBe(stage.versions.old.server);
        await serviceIsUp();
        expect(await stage.data()).toBe(stage.soundData);
        expect(stage.calls('CreateVolume')).toEqual([]);
        expect(stage.calls('DetachVolume')).toEqual([]);
        expect(stage.dataVolume()).toBe(volume);
        expect(stage.calls('DeleteSnapshot')).toHaveLength(1);
        expect(await stage.hasSnapshot(await snapshotOf())).toBe(false);
        await way.proof(stage);
      },
      caseMs,
    );

    test(
      'hurt data: after an approval that names the loss, the volumes come back from the snapshot',
      async () => {
        const volume = stage.dataVolume();
        const file = await stage.runbook('accident.yaml', withAccident(hurtHalf));
        const { args, inventory: known } = patching(file, way.otherTarget(stage, inventory));
        const running = stage.begin(args, known);
        await running.says('AskRestore', 120);

        const asked = await stage.show();
        expect(asked).toMatchObject({
          status: 'Failed',
          rollbackStatus: 'waiting',
          waiting: { kind: 'approval' },
        });
        const message = asked.waiting?.message ?? '';
        const hurt = await stage.data();
        expect(message).toContain(`answered ${stage.soundData} before the patch and ${hurt} after it`);
        expect(message).toMatch(
          /Put the volumes back to \d{4}-\d\d-\d\dT[\d:.]+Z\? Everything written since then is lost\./,
        );
        expect(hurt).toMatch(/^25000 /);
        // Going back to the old packages loses nothing, so nobody was asked about that.
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
        expect(await stage.data()).toBe(stage.soundData);
        expect(await stage.serverVersion()).toBe(stage.versions.old.server);
        await serviceIsUp();
        expect(await stage.dpkgLog()).toEqual([upgrade(), downgrade()]);

        const snapshot = await snapshotOf();
        expect(stage.calls('CreateVolume').map(({ params }) => params['SnapshotId'])).toEqual([snapshot]);
        expect(stage.effects('volumeDetached').map(({ details }) => details['volumeId'])).toEqual([volume]);
        expect(stage.dataVolume()).not.toBe(volume);
        expect(outputOf(shown, 'SnapshotData/undo/Restore', 'PreviousVolumeIds')).toEqual([volume]);
        expect(await stage.onHost(`findmnt -n -o SOURCE ${mount}`)).toBe('/dev/xvdf');
        expect(stage.calls('DeleteVolume')).toEqual([]);
        expect(await stage.hasSnapshot(snapshot)).toBe(true);
        expect(stderr).toContain(`kept: restore point ${snapshot}`);
        expect(stderr).toContain(`/dev/sdf is ${stage.dataVolume()}, was ${volume}`);
        await way.proof(stage);
      },
      caseMs,
    );

    test(
      'hurt data and a rejection: the snapshot stays and is named, and the data is left as it is',
      async () => {
        const volume = stage.dataVolume();
        const file = await stage.runbook('accident.yaml', withAccident(hurtHalf));
        const { args, inventory: known } = patching(file, way.target(stage, inventory));
        const running = stage.begin(args, known);
        await running.says('AskRestore', 120);
        const hurt = await stage.data();
        const { executionId } = await stage.show();
        const said = await stage.belay(['reject', executionId, '--comment', 'they were to go']);
        expect(said.code).toBe(0);

        const { code, stderr } = await running.ended;
        expect(code).toBe(4);
        const snapshot = await snapshotOf();
        expect(stderr).toContain('Failed at VerifyData, rollback PARTIAL.');
        expect(stderr).toContain(`rejected SnapshotData/undo/AskRestore: they were to go`);
        expect(stderr).toContain(`kept: restore point ${snapshot}`);
        expect(stderr.trimEnd().split('\n').at(-1)).toContain(
          `belay rollback ${executionId} --step SnapshotData`,
        );
        const shown = await stage.show();
        expect(shown).toMatchObject({ status: 'Failed', rollbackStatus: 'partial' });
        expect(undoResults(shown)).toMatchObject({ Patch: 'undone', SnapshotData: 'failed' });

        expect(await stage.hasSnapshot(snapshot)).toBe(true);
        expect(stage.calls('CreateVolume')).toEqual([]);
        expect(stage.calls('DetachVolume')).toEqual([]);
        expect(stage.dataVolume()).toBe(volume);
        expect(hurt).toMatch(/^25000 /);
        expect(await stage.data()).toBe(hurt);
        expect(await stage.serverVersion()).toBe(stage.versions.old.server);
        await serviceIsUp();
        await way.proof(stage);
      },
      caseMs,
    );

    test(
      'the plain document whose check fails: it stops there, undoes nothing, and names the snapshot and what to type',
      async () => {
        const { code, stderr } = await plainly('15.99');
        expect(code).toBe(1);
        const shown = await stage.show();
        expect(shown).toMatchObject({
          status: 'Failed',
          rollbackStatus: 'notRequested',
          failedStep: 'VerifyPostgreSQLVersion',
          rollback: [],
        });
        const snapshot = textOf(shown, 'SnapshotDataVolume', 'SnapshotId');
        expect(stderr).toContain(`the server answers ${stage.versions.new.server}`);
        expect(stderr).toContain('Nothing was undone.');
        expect(stderr).toContain(`kept: restore point ${snapshot}`);
        for (const step of ['StopPostgreSQL', 'UpgradePostgreSQL', 'StartPostgreSQL'])
          expect(stderr.slice(stderr.indexOf('Nothing was undone.'))).toContain(step);
        expect(stderr).toContain(`belay logs ${shown.executionId} --step VerifyPostgreSQLVersion`);
        expect(stderr.trimEnd().split('\n').at(-1)).toContain(`belay rollback ${shown.executionId}`);

        expect(await stage.hasSnapshot(snapshot)).toBe(true);
        expect(await stage.dpkgLog()).toEqual([upgrade()]);
        expect(await stage.serverVersion()).toBe(stage.versions.new.server);
        expect(await stage.data()).toBe(stage.soundData);
        await way.proof(stage);
      },
      caseMs,
    );

    test(
      'the plain document with --rollback onFailure: what shell text changed is named as left over, and the snapshot stays',
      async () => {
        const { code, stderr } = await plainly('15.99', ['--rollback', 'onFailure']);
        expect(code).toBe(4);
        const shown = await stage.show();
        expect(shown).toMatchObject({ status: 'Failed', rollbackStatus: 'partial' });
        expect(undoResults(shown)).toEqual({
          VerifyPostgreSQLVersion: 'leftOver',
          StartPostgreSQL: 'leftOver',
          UpgradePostgreSQL: 'leftOver',
          SnapshotDataVolume: 'kept',
          StopPostgreSQL: 'leftOver',
        });
        const snapshot = textOf(shown, 'SnapshotDataVolume', 'SnapshotId');
        const ending = stderr.slice(stderr.indexOf('rollback PARTIAL'));
        for (const step of ['StopPostgreSQL', 'UpgradePostgreSQL', 'StartPostgreSQL'])
          expect(ending).toContain(step);
        expect(ending).toContain(`kept: restore point ${snapshot}`);
        expect(ending).toContain(`belay show ${shown.executionId}`);
        expect(await stage.hasSnapshot(snapshot)).toBe(true);
        expect(stage.calls('DeleteSnapshot')).toEqual([]);
        expect(await stage.data()).toBe(stage.soundData);
        await way.proof(stage);
      },
      caseMs,
    );

    test(
      'the plain document on its good path upgrades the server and keeps the snapshot',
      async () => {
        const { code, stdout } = await plainly(stage.versions.new.server);
        expect(code).toBe(0);
        const shown = await stage.show();
        const snapshot = textOf(shown, 'SnapshotDataVolume', 'SnapshotId');
        expect(shown).toMatchObject({ status: 'Success', rollbackStatus: 'notRequested' });
        expect(stdout).toContain(snapshot);
        expect(await stage.dpkgLog()).toEqual([upgrade()]);
        expect(await stage.serverVersion()).toBe(stage.versions.new.server);
        expect(await stage.hasSnapshot(snapshot)).toBe(true);
        expect(await stage.data()).toBe(stage.soundData);
        await way.proof(stage);
      },
      caseMs,
    );

    test(
      'the runbook as shipped upgrades the server, keeps the snapshot, and can be taken back later',
      async () => {
        const { args, inventory: known } = patching(shipped, way.target(stage, inventory));
        const { code, stdout, stderr } = await stage.belay(args, known);
        expect(code).toBe(0);
        const { executionId } = await stage.show();
        const snapshot = await snapshotOf();
        expect(stderr).toContain(
          `postgresql-15 ${stage.versions.old.server} → ${stage.versions.new.server}, 2 more`,
        );
        expect(stderr).toContain(`3 changed on ${way.target(stage, inventory).host}`);
        expect(stderr).toContain(snapshot);
        expect(stderr).toContain(`belay rollback ${executionId} takes everything back`);
        expect(stdout).toContain(`VerifyData.ServerVersion: ${stage.versions.new.server}`);
        expect(await stage.show()).toMatchObject({ status: 'Success', rollbackStatus: 'notRequested' });
        expect(await stage.serverVersion()).toBe(stage.versions.new.server);
        await serviceIsUp();
        expect(await stage.data()).toBe(stage.soundData);
        expect(await stage.hasSnapshot(snapshot)).toBe(true);
        expect(await stage.dpkgLog()).toEqual([upgrade()]);
        await way.proof(stage);

        const back = await stage.belay(['rollback', executionId], known);
        expect(back.stderr).toMatch(/Rolled back clean in /);
        expect(back.code).toBe(0);
        expect(await stage.serverVersion()).toBe(stage.versions.old.server);
        await serviceIsUp();
        expect(await stage.data()).toBe(stage.soundData);
        expect(await stage.hasSnapshot(snapshot)).toBe(false);
        expect(stage.calls('CreateVolume')).toEqual([]);
      },
      caseMs,
    );
  });
}
