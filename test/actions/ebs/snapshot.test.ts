import { expect, test } from 'vitest';
import { deleteSnapshots } from '../../../src/actions/ebs/delete-snapshots.ts';
import { snapshot } from '../../../src/actions/ebs/snapshot.ts';
import { AwsFailure } from '../../../src/transports/aws.ts';
import { sandboxIds } from '../../../src/world/index.ts';
import { carryOut, effectOf, newToken, run, undo, type World } from '../../support/action-bed.ts';
import { contextOf } from '../../support/action-context.ts';
import { hashToken } from '../../../src/runtime/token.ts';
import { ebsWorld, tagsOf } from './sandbox.ts';

const inputs = { Host: 'db1', Mounts: ['/var/lib/postgresql'] };
const { db1, db1Data, db1Root } = sandboxIds;

test('takes the volume below a mount, says all that a restore needs, and undo deletes it', async () => {
  const world = ebsWorld();
  const done = await run(snapshot, inputs, world.ports);
  const [id = ''] = Object.keys(world.look().snapshots);
  expect(done.ending).toMatchObject({
    kind: 'done',
    outputs: {
      SnapshotIds: [id],
      VolumeIds: [db1Data],
      StartTime: expect.stringMatching(/^2026-02-12T02:14/),
      Snapshots: [
        {
          SnapshotId: id,
          VolumeId: db1Data,
          InstanceId: db1,
          Device: '/dev/sdf',
          Mounts: ['/var/lib/postgresql'],
          SizeGiB: 2,
          VolumeType: 'gp3',
          Iops: 3_000,
          Throughput: 125,
          DeleteOnTermination: false,
          AvailabilityZone: 'eu-central-1a',
        },
      ],
    },
    restorePoints: [{ id, of: db1Data }],
    note: `${id} of ${db1Data} (2 GiB)`,
  });
  expect(tagsOf(world.look(), id)).toMatchObject({
    'belay:token': hashToken(done.token),
    'belay:execution': '01TEST',
    'belay:step': 'Step',
  });

  expect(await undo(snapshot, done, world.ports)).toMatchObject({
    kind: 'done',
    changes: [{ target: db1Data, subject: 'snapshot', from: id, to: null }],
  });
  expect(world.look().snapshots).toEqual({});
  expect(await undo(snapshot, done, world.ports)).toMatchObject({ kind: 'done', changes: [] });
});

test('several volumes are taken in one call, so that they are of one moment', async () => {
  const world = ebsWorld();
  const done = await run(snapshot, { Host: 'db1' }, world.ports);
  expect(done.ending).toMatchObject({
    kind: 'done',
    outputs: { VolumeIds: expect.arrayContaining([db1Data, db1Root]) },
  });
  expect(world.done).toEqual(['CreateSnapshots']);
  expect(new Set(Object.values(world.look().snapshots).map(({ startTime }) => startTime)).size).toBe(1);
});

test('volumes that were not asked for are left out of the one call', async () => {
  const extra = 'vol-0aaaaaaaaaaaaaaa1';
  const world = ebsWorld((state) => {
    const data = state.volumes[db1Data];
    if (!data?.attachment) throw new Error('no data volume');
    state.volumes[extra] = {
      ...structuredClone(data),
      id: extra,
      attachment: { ...data.attachment, device: '/dev/sdg' },
    };
    return state;
  });
  const done = await run(snapshot, { VolumeIds: [db1Data, extra] }, world.ports);
  expect(done.ending).toMatchObject({ kind: 'done' });
  expect(
    Object.values(world.look().snapshots)
      .map(({ volumeId }) => volumeId)
      .sort(),
  ).toEqual([db1Data, extra].sort());
});

test('after a lost reply the set is found by its tag and nothing is taken twice', async () => {
  const world = ebsWorld();
  world.loseReply('CreateSnapshot');
  const token = newToken();
  const effect = effectOf(snapshot, inputs);
  if (effect.kind !== 'begun') throw new Error('a snapshot is begun');
  await using context = await contextOf(world.ports, token);
  await expect(effect.begin(inputs, null, context)).rejects.toBeInstanceOf(AwsFailure);
  const found = await effect.adopt(inputs, null, context);
  expect(found).toMatchObject({
    kind: 'running',
    handle: { SnapshotIds: Object.keys(world.look().snapshots) },
  });
  expect(world.done).toEqual(['CreateSnapshot']);
  await using other = await contextOf(world.ports);
  expect(await effect.adopt(inputs, null, other)).toEqual({ kind: 'absent' });
});

test('undo finds by its tag what was taken when no reply came, and deletes it', async () => {
  const world = ebsWorld();
  const done = await run(snapshot, { Host: 'db1' }, world.ports);
  expect(await undo(snapshot, done, world.ports, { knowing: 'nothing' })).toMatchObject({ kind: 'done' });
  expect(world.look().snapshots).toEqual({});
});

test('a listing that lags behind is waited for, not taken for a failure', async () => {
  const world = ebsWorld();
  world.lag(3);
  const done = await run(snapshot, inputs, world.ports);
  expect(done.ending).toMatchObject({ kind: 'done' });
  expect(world.done).toEqual(['CreateSnapshot']);
});

test('quiescing freezes the mount around the call and thaws it', async () => {
  const world = ebsWorld();
  await world.stopDatabase();
  const done = await run(snapshot, { ...inputs, Quiesce: true }, world.ports);
  expect(done.ending).toMatchObject({
    kind: 'done',
    note: expect.stringContaining(', /var/lib/postgresql frozen'),
  });
  const commands = Object.values(world.look().hosts['db1']?.commands ?? {});
  expect(commands.filter(({ endsAt }) => endsAt > (world.ports.now?.() ?? 0))).toEqual([]);
});

test('a call that is refused leaves the mount thawed', async () => {
  const world = ebsWorld();
  await world.stopDatabase();
  const refusing: World = {
    ...world.ports,
    aws: {
      ...world.ports.aws,
      call: async (call) => {
        if (call.operation === 'CreateSnapshot') {
          throw new AwsFailure({
            code: 'SnapshotLimitExceeded',
            message: 'too many',
            retryable: false,
            effect: 'none',
          });
        }
        return world.ports.aws.call(call);
      },
    },
  };
  const asked = { ...inputs, Quiesce: true };
  await expect(carryOut(snapshot, asked, null, refusing)).rejects.toMatchObject({
    code: 'SnapshotLimitExceeded',
  });
  const again = await run(snapshot, asked, world.ports);
  expect(again.ending).toMatchObject({ kind: 'done' });
});

test('mounts and volumes that are not there are refused by name', async () => {
  const world = ebsWorld();
  await expect(run(snapshot, { Host: 'db1', Mounts: ['/srv/nothing'] }, world.ports)).rejects.toMatchObject({
    code: 'NOT_MOUNTED',
  });
  await expect(run(snapshot, { VolumeIds: ['vol-0123456789abcdef0'] }, world.ports)).rejects.toMatchObject({
    code: 'NO_SUCH_VOLUME',
  });
  const { instanceId: _, ...nameless } = world.db1;
  await expect(run(snapshot, inputs, { ...world.ports, hosts: { db1: nameless } })).rejects.toMatchObject({
    code: 'NO_INSTANCE_ID',
    message: expect.stringContaining('hosts.db1.instanceId'),
  });
  expect(world.done).toEqual([]);
});

test('snapshots that are deleted twice, or never were, are no failure', async () => {
  const world = ebsWorld();
  const taken = await run(snapshot, inputs, world.ports);
  const ids = Object.keys(world.look().snapshots);
  const gone = await run(deleteSnapshots, { SnapshotIds: ids }, world.ports);
  expect(gone.ending).toMatchObject({
    kind: 'done',
    outputs: { Deleted: ids },
    changes: [{ target: db1Data, from: ids[0], to: null }],
  });
  const again = await run(deleteSnapshots, { SnapshotIds: ids }, world.ports);
  expect(again.ending).toMatchObject({ kind: 'done', outputs: { Deleted: [] }, changes: [] });
  const none = await run(deleteSnapshots, { SnapshotIds: null }, world.ports);
  expect(none.ending).toMatchObject({ kind: 'done', changes: [] });
  expect(await undo(snapshot, taken, world.ports)).toMatchObject({ kind: 'done', changes: [] });
});

const tools = { isExpression: () => false, models: { check: () => [], resolve: () => undefined } };
test.each([
  [{}],
  [{ Host: 'db1', InstanceId: 'i-0' }],
  [{ InstanceId: 'i-0', Mounts: ['/a'] }],
  [{ Host: 'db1', Mounts: ['/a'], VolumeIds: ['vol-0'] }],
  [{ InstanceId: 'i-0', Quiesce: true }],
])('validation refuses %j', (wrong) => {
  expect(snapshot.check?.(wrong, tools).map(({ code }) => code)).toEqual(['SNAPSHOT_OF_WHAT']);
});
