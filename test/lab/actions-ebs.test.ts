/** Snapshots and restores of real file systems: a database is damaged and comes back, and comes back damaged when that is undone. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { restore } from '../../src/actions/ebs/restore.ts';
import { snapshot } from '../../src/actions/ebs/snapshot.ts';
import { service } from '../../src/actions/host/service.ts';
import { check } from '../../src/actions/postgresql/check.ts';
import { createAws } from '../../src/transports/aws/client.ts';
import { observe, run, undo, type Run, type World } from '../support/action-bed.ts';
import { labHost } from './lab-host.ts';
import { labRegion, labWorld, worldMissing, type LabWorldWithAws } from './world.ts';

const reason = worldMissing();
const mount = '/var/lib/postgresql';

describe.skipIf(reason)(
  `ebs actions on real volumes${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 180_000 },
  () => {
    let lab: LabWorldWithAws;
    let world: World;
    const sql = (text: string) =>
      lab.lab.exec('db1', ['runuser', '-u', 'postgres', '--', 'psql', '-XAtqc', text]);
    const unit = (State: string) =>
      run(service, { Host: 'db1', Name: 'postgresql@15-main', State }, world).then(({ ending }) =>
        expect(ending).toMatchObject({ kind: 'done' }),
      );
    const answer = async () => {
      const { ending } = await run(check, { Host: 'db1', Canary: { Table: 't' }, WaitSeconds: 30 }, world);
      return ending.outputs?.['Answer'] ?? null;
    };
    const effects = (name: 'volumeAttached' | 'volumeDetached' | 'volumeCreated') =>
      lab.endpoint.journal.effects(name).length;

    beforeAll(async () => {
      lab = await labWorld({ hosts: ['db1', 'h1'], aws: true });
      world = {
        aws: createAws({
          endpoint: lab.endpoint.url,
          region: labRegion,
          credentials: async () => ({ accessKeyId: 'lab', secretAccessKey: 'lab' }),
        }),
        hosts: {
          db1: labHost(lab.lab, 'db1', lab.instanceId('db1')),
          h1: labHost(lab.lab, 'h1', lab.instanceId('h1')),
        },
      };
      await sql('create table t as select g as id, md5(g::text) as v from generate_series(1, 5000) g');
    }, 400_000);
    afterAll(async () => {
      await lab?.down();
      expect(lab?.endpoint.problems).toEqual([]);
    }, 90_000);

    let taken: Run;
    let sound: unknown;

    test('takes a snapshot of a running database, knowing volume, device and mount', async () => {
      sound = await answer();
      const volume = lab.volumeId('db1', mount);
      taken = await run(snapshot, { Host: 'db1', Mounts: [mount], Quiesce: true }, world);
      expect(taken.ending).toMatchObject({
        kind: 'done',
        outputs: { VolumeIds: [volume], Snapshots: [{ Device: '/dev/sdf', Mounts: [mount], SizeGiB: 2 }] },
        note: expect.stringContaining(`${mount} frozen`),
      });
    });

    test('refuses to restore under a running database, and changes nothing', async () => {
      const volume = lab.volumeId('db1', mount);
      const SnapshotIds = taken.ending.outputs?.['SnapshotIds'] ?? [];
      await expect(run(restore, { Host: 'db1', SnapshotIds }, world)).rejects.toMatchObject({
        code: 'MOUNT_BUSY',
        message: expect.stringContaining('in use by postgres'),
      });
      expect(lab.volumeId('db1', mount)).toBe(volume);
    });

    test('puts damaged data back, and undo brings the damage back exactly', async () => {
      const SnapshotIds = taken.ending.outputs?.['SnapshotIds'] ?? [];
      const old = lab.volumeId('db1', mount);
      await sql('delete from t where id % 2 = 0; checkpoint');
      const damaged = await answer();
      expect(damaged).not.toEqual(sound);

      await unit('stopped');
      const inputs = { Host: 'db1', SnapshotIds };
      const restored = await run(restore, inputs, world);
      expect(restored.ending).toMatchObject({
        kind: 'done',
        outputs: { VolumeIds: [lab.volumeId('db1', mount)], PreviousVolumeIds: [old] },
        changes: [{ target: 'db1', subject: '/dev/sdf', from: old }],
      });
      expect(lab.volumeId('db1', mount)).not.toBe(old);
      await unit('started');
      expect(await answer()).toEqual(sound);

      await unit('stopped');
      expect(await undo(restore, restored, world, { knowing: 'nothing' })).toMatchObject({ kind: 'done' });
      expect(lab.volumeId('db1', mount)).toBe(old);
      expect(await observe(restore, inputs, world)).toEqual(restored.before);
      await unit('started');
      expect(await answer()).toEqual(damaged);
    });

    test('undo of the snapshot deletes it', async () => {
      expect(await undo(snapshot, taken, world)).toMatchObject({ kind: 'done', changes: [{ to: null }] });
      const { Snapshots } =
        (await world.aws?.call({
          service: 'ec2',
          operation: 'DescribeSnapshots',
          params: { Filters: [{ Name: 'tag:belay:execution', Values: ['01TEST'] }] },
        })) ?? {};
      expect(Snapshots).toEqual([]);
    });

    test('lost replies of every kind make nothing happen twice', async () => {
      const Mounts = ['/srv/data'];
      await lab.lab.exec('h1', 'echo precious >/srv/data/f; sync -f /srv/data');
      const h1Taken = await run(snapshot, { Host: 'h1', Mounts }, world);
      await lab.lab.exec('h1', 'echo worthless >/srv/data/f; sync -f /srv/data');
      const before = {
        attached: effects('volumeAttached'),
        detached: effects('volumeDetached'),
        created: effects('volumeCreated'),
      };
      const removers = ['DetachVolume', 'AttachVolume', 'CreateTags'].map((op) =>
        lab.endpoint.faults.add({ match: { op, nth: 1 }, do: 'lost-reply' }),
      );
      const restored = await run(
        restore,
        { Host: 'h1', SnapshotIds: h1Taken.ending.outputs?.['SnapshotIds'] ?? [] },
        world,
      );
      for (const remove of removers) remove();
      expect(restored.ending).toMatchObject({ kind: 'done' });
      expect((await lab.lab.exec('h1', 'cat /srv/data/f')).stdout).toBe('precious\n');
      expect(effects('volumeAttached') - before.attached).toBe(1);
      expect(effects('volumeDetached') - before.detached).toBe(1);
      expect(effects('volumeCreated') - before.created).toBe(1);
      await undo(restore, restored, world);
      expect((await lab.lab.exec('h1', 'cat /srv/data/f')).stdout).toBe('worthless\n');
    });
  },
);
