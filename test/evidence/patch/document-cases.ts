/** The plain SSM document that Belay ships: nothing is undone unless somebody asks for it, and shell text never. */
import { expect, test } from 'vitest';
import { textOf, undoResults, type CommandEnd, type Shown } from './command.ts';
import { plainDocument } from './runbooks.ts';
import { packages, unit, type Stage } from './stage.ts';
import { caseMs, runOf, upgradeOf, type Bench, type Target } from './way.ts';

const shellSteps = [
  'CheckBefore',
  'StopPostgreSQL',
  'UpgradePostgreSQL',
  'StartPostgreSQL',
  'VerifyPostgreSQLVersion',
];

function run(
  stage: Stage,
  { host, inventory }: Target,
  expected: string,
  more: readonly string[] = [],
): Promise<CommandEnd> {
  const args = runOf(plainDocument, {
    InstanceId: host,
    DataVolumeId: stage.dataVolume(),
    ServiceName: unit,
    PackageNames: packages.join(' '),
    ExpectedVersion: expected,
  });
  return stage.belay([...args, ...more], inventory);
}

const snapshotOf = (shown: Shown): string => textOf(shown, 'SnapshotDataVolume', 'SnapshotId');

/** The new server over sound data, and the snapshot beside it. */
async function expectUpgraded(stage: Stage, shown: Shown): Promise<void> {
  expect(await stage.dpkgLog()).toEqual([upgradeOf(stage)]);
  expect(await stage.serverVersion()).toBe(stage.versions.new.server);
  expect(await stage.data()).toBe(stage.soundData);
  expect(await stage.hasSnapshot(snapshotOf(shown))).toBe(true);
  expect(stage.calls('DeleteSnapshot')).toEqual([]);
  expect(stage.calls('CreateVolume')).toEqual([]);
}

export function documentCases({ way, ...bench }: Bench): void {
  test(
    'the plain document whose check fails stops there, undoes nothing, and names the snapshot and what to type',
    async () => {
      const stage = bench.stage();
      const { code, stderr } = await run(stage, way.target(stage, bench.inventory()), '15.99');
      expect(code).toBe(1);
      const shown = await stage.show();
      expect(shown).toMatchObject({
        status: 'Failed',
        rollbackStatus: 'notRequested',
        failedStep: 'VerifyPostgreSQLVersion',
        rollback: [],
      });
      expect(stderr).toContain(`the server answers ${stage.versions.new.server}`);
      const ending = stderr.slice(stderr.indexOf('Nothing was undone.'));
      expect(ending).toContain(`${shellSteps.join(', ')} may have left something behind`);
      expect(ending).toContain(`kept: restore point ${snapshotOf(shown)}`);
      expect(ending).toContain(`belay logs ${shown.executionId} --step VerifyPostgreSQLVersion`);
      expect(ending.trimEnd().split('\n').at(-1)).toContain(`belay show ${shown.executionId}`);
      await expectUpgraded(stage, shown);
      await way.proof(stage);
    },
    caseMs,
  );

  test(
    'the plain document with --rollback onFailure: what shell text changed is named as left over, and the snapshot stays',
    async () => {
      const stage = bench.stage();
      const target = way.target(stage, bench.inventory());
      const { code, stderr } = await run(stage, target, '15.99', ['--rollback', 'onFailure']);
      expect(code).toBe(4);
      const shown = await stage.show();
      expect(shown).toMatchObject({ status: 'Failed', rollbackStatus: 'partial' });
      expect(undoResults(shown)).toEqual({
        VerifyPostgreSQLVersion: 'leftOver',
        StartPostgreSQL: 'leftOver',
        UpgradePostgreSQL: 'leftOver',
        SnapshotDataVolume: 'kept',
        StopPostgreSQL: 'leftOver',
        CheckBefore: 'leftOver',
      });
      const ending = stderr.slice(stderr.indexOf('rollback PARTIAL'));
      expect(ending).toContain(`${shellSteps.join(', ')} may have left something behind`);
      expect(ending).toContain(`kept: restore point ${snapshotOf(shown)}`);
      expect(ending.trimEnd().split('\n').at(-1)).toContain(`belay show ${shown.executionId}`);
      await expectUpgraded(stage, shown);
      await way.proof(stage);
    },
    caseMs,
  );

  test(
    'the plain document whose snapshot cannot be taken starts the server again, and upgrades nothing',
    async () => {
      const stage = bench.stage();
      const target = way.target(stage, bench.inventory());
      const { code } = await stage.belay(
        runOf(plainDocument, {
          InstanceId: target.host,
          DataVolumeId: 'vol-00000000000000000',
          ServiceName: unit,
          PackageNames: packages.join(' '),
        }),
        target.inventory,
      );
      expect(code).toBe(1);
      expect(await stage.show()).toMatchObject({ status: 'Failed', failedStep: 'SnapshotDataVolume' });
      expect(await stage.onHost(`systemctl is-active ${unit}`)).toBe('active');
      expect(await stage.serverVersion()).toBe(stage.versions.old.server);
      expect(await stage.dpkgLog()).toEqual([]);
    },
    caseMs,
  );

  if (way.isThorough) refusals({ way, ...bench });

  test(
    'the plain document on its good path upgrades the server and keeps the snapshot',
    async () => {
      const stage = bench.stage();
      const target = way.otherTarget(stage, bench.inventory());
      const { code, stdout, stderr } = await run(stage, target, stage.versions.new.server);
      expect(code).toBe(0);
      const shown = await stage.show();
      expect(shown).toMatchObject({ status: 'Success', rollbackStatus: 'notRequested' });
      expect(stdout).toContain(snapshotOf(shown));
      expect(stderr).toMatch(/Done in .* Restore point snap-\S+ .* stays\./);
      await expectUpgraded(stage, shown);
      await way.proof(stage);
    },
    caseMs,
  );
}

function refusals({ way, ...bench }: Bench): void {
  const withPackages = (stage: Stage, names: string): Promise<CommandEnd> => {
    const { host, inventory } = way.target(stage, bench.inventory());
    return stage.belay(
      runOf(plainDocument, {
        InstanceId: host,
        DataVolumeId: stage.dataVolume(),
        ServiceName: unit,
        PackageNames: names,
      }),
      inventory,
    );
  };

  test(
    'the plain document asks before it stops the server: a package that is not there, and nothing newer',
    async () => {
      const stage = bench.stage();
      const pid = () => stage.onHost(`systemctl show -p MainPID --value ${unit}`);
      const before = await pid();
      const absent = await withPackages(stage, `${packages.join(' ')} postgresql-99`);
      expect(absent.code, absent.stderr).toBe(1);
      expect(absent.stderr).toContain('the package postgresql-99 is not installed. Nothing was changed');
      await stage.world.lab.publish('db1', 'old');
      const nothing = await withPackages(stage, packages.join(' '));
      expect(nothing.code, nothing.stderr).toBe(1);
      expect(nothing.stderr).toContain('nothing newer is offered. Nothing was changed');
      expect(await pid()).toBe(before);
      expect(stage.calls('CreateSnapshot')).toEqual([]);
    },
    caseMs,
  );

  test(
    'the plain document whose upgrade fails starts the server again, and says where its data of before is',
    async () => {
      const stage = bench.stage();
      const refuses = '/etc/apt/apt.conf.d/99refuses';
      await stage.onHost(`echo 'DPkg::Pre-Invoke { "exit 1"; };' >${refuses}`);
      const { code, stderr } = await withPackages(stage, packages.join(' '));
      await stage.onHost(`rm ${refuses}`);
      expect(code, stderr).toBe(1);
      const shown = await stage.show();
      expect(shown).toMatchObject({ status: 'Failed', failedStep: 'UpgradePostgreSQL' });
      expect(stderr).toContain('failed; the server was started again');
      expect(stderr).toContain(snapshotOf(shown));
      expect(await stage.onHost(`systemctl is-active ${unit}`)).toBe('active');
      expect(await stage.serverVersion()).toBe(stage.versions.old.server);
      expect(await stage.data()).toBe(stage.soundData);
    },
    caseMs,
  );
}
