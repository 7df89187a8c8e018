import { expect, test } from 'vitest';
import type { BegunEffect } from '../../../src/actions/define-action.ts';
import { findVolumes } from '../../../src/actions/ebs/find-volumes.ts';
import { putBack } from '../../../src/actions/ebs/put-back.ts';
import { restore } from '../../../src/actions/ebs/restore.ts';
import { snapshot } from '../../../src/actions/ebs/snapshot.ts';
import type { Json, JsonObject } from '../../../src/json.ts';
import { sandboxIds, type WorldState } from '../../../src/world/index.ts';
import {
  effectOf,
  type Ending,
  newToken,
  observe,
  run,
  undo,
  undoEffectOf,
} from '../../support/action-bed.ts';
import { contextOf } from '../../support/action-context.ts';
import { ebsWorld, Killed, tagsOf, type EbsWorld } from './sandbox.ts';

const { db1, db1Data } = sandboxIds;
const mount = '/var/lib/postgresql';

async function prepared(): Promise<{ world: EbsWorld; inputs: JsonObject }> {
  const world = ebsWorld((state) => {
    const data = state.volumes[db1Data];
    if (data?.attachment) data.attachment.deleteOnTermination = true;
    return state;
  });
  const taken = await run(snapshot, { Host: 'db1', Mounts: [mount] }, world.ports);
  await world.stopDatabase();
  world.done.length = 0;
  world.asked.length = 0;
  const SnapshotIds = taken.ending.outputs?.['SnapshotIds'] ?? [];
  return { world, inputs: { Host: 'db1', SnapshotIds } };
}

const attachedAt = (state: WorldState, device: string) =>
  Object.values(state.volumes).find(
    ({ attachment }) => attachment?.instanceId === db1 && attachment.device === device,
  );
const mountedVolume = (state: WorldState) => state.hosts['db1']?.mounts[mount]?.volumeId;

/** What anybody can see of the volumes: attachments, mounts, tags. */
const seen = (state: WorldState) => ({
  volumes: Object.fromEntries(
    Object.entries(state.volumes).map(([id, { state: is, attachment }]) => [
      id,
      { is, at: attachment?.device ?? null, flag: attachment?.deleteOnTermination ?? null },
    ]),
  ),
  mounted: mountedVolume(state),
  tags: Object.fromEntries(Object.entries(state.tags).filter(([id]) => id.startsWith('vol-'))),
});

test('puts a volume of the snapshot into the place of the old one, which is kept', async () => {
  const { world, inputs } = await prepared();
  const done = await run(restore, inputs, world.ports);
  const state = world.look();
  const fresh = attachedAt(state, '/dev/sdf');
  expect(done.ending).toMatchObject({
    kind: 'done',
    outputs: { VolumeIds: [fresh?.id], PreviousVolumeIds: [db1Data] },
    changes: [{ target: 'db1', subject: '/dev/sdf', from: db1Data, to: fresh?.id }],
  });
  expect(fresh).toMatchObject({
    volumeType: 'gp3',
    iops: 3_000,
    throughput: 125,
    sizeGiB: 2,
    attachment: { deleteOnTermination: true },
  });
  expect(mountedVolume(state)).toBe(fresh?.id);
  expect(state.volumes[db1Data]).toMatchObject({ state: 'available', attachment: null });
  expect(tagsOf(state, db1Data)).toMatchObject({ Name: 'db1-data', 'belay:replaced-by': fresh?.id });
  expect(tagsOf(state, fresh?.id ?? '')).toMatchObject({ Name: 'db1-data', 'belay:replaces': db1Data });
  expect(world.done).toEqual([
    'CreateVolume',
    'DetachVolume',
    'AttachVolume',
    'ModifyInstanceAttribute',
    'CreateTags',
  ]);
});

test.each(['everything', 'nothing'] as const)(
  'undo, knowing %s, leaves the volumes as they were',
  async (knowing) => {
    const { world, inputs } = await prepared();
    const before = seen(world.look());
    const done = await run(restore, inputs, world.ports);
    const undone = await undo(restore, done, world.ports, { knowing });
    expect(undone).toMatchObject({
      kind: 'done',
      changes: [{ target: 'db1', subject: '/dev/sdf', to: db1Data }],
    });
    expect(seen(world.look())).toEqual(before);
    expect(await observe(restore, inputs, world.ports)).toEqual(done.before);
    expect(await undo(restore, done, world.ports, { knowing })).toMatchObject({ kind: 'done' });
    expect(seen(world.look())).toEqual(before);
  },
);

test('a mount that is in use is refused, and nothing is made or changed', async () => {
  const world = ebsWorld();
  const taken = await run(snapshot, { Host: 'db1', Mounts: [mount] }, world.ports);
  world.done.length = 0;
  const inputs = { Host: 'db1', SnapshotIds: taken.ending.outputs?.['SnapshotIds'] ?? [] };
  const before = seen(world.look());
  await expect(run(restore, inputs, world.ports)).rejects.toMatchObject({
    code: 'MOUNT_BUSY',
    message: expect.stringMatching(/var\/lib\/postgresql is in use by .*nothing was changed/),
    effect: 'none',
  });
  expect(seen(world.look())).toEqual(before);
  expect(world.done).toEqual([]);
});

test('snapshots of root volumes, of strangers, and unknown ones are refused before anything is made', async () => {
  const { world } = await prepared();
  const whole = await run(snapshot, { Host: 'db1' }, world.ports);
  const all = whole.ending.outputs?.['SnapshotIds'] ?? [];
  world.done.length = 0;
  await expect(run(restore, { Host: 'db1', SnapshotIds: all }, world.ports)).rejects.toMatchObject({
    code: 'ROOT_VOLUME',
  });
  const other = await run(snapshot, { VolumeIds: [sandboxIds.web1Root] }, world.ports);
  world.done.length = 0;
  const strange = { Host: 'db1', SnapshotIds: other.ending.outputs?.['SnapshotIds'] ?? [] };
  await expect(run(restore, strange, world.ports)).rejects.toMatchObject({ code: 'VOLUME_NOT_ATTACHED' });
  await expect(
    run(restore, { Host: 'db1', SnapshotIds: ['snap-0123456789abcdef0'] }, world.ports),
  ).rejects.toMatchObject({
    code: 'NO_SUCH_SNAPSHOT',
  });
  expect(world.done).toEqual([]);
});

test('what a restore put into place can be restored again from the same snapshot', async () => {
  const { world, inputs } = await prepared();
  const first = await run(restore, inputs, world.ports);
  const second = await run(restore, inputs, { ...world.ports, executionId: '02TEST' });
  expect(second.ending).toMatchObject({
    kind: 'done',
    outputs: { PreviousVolumeIds: first.ending.outputs?.['VolumeIds'] },
  });
});

test('KeepBroken: false removes the old volume, and states that this cannot be undone', async () => {
  const { world, inputs } = await prepared();
  const giving = { ...inputs, KeepBroken: false };
  const done = await run(restore, giving, world.ports);
  expect(done.ending).toMatchObject({ kind: 'done' });
  expect(world.look().volumes[db1Data]).toBeUndefined();
  expect(typeof restore.undo === 'function' && restore.undo(giving)).toMatchObject({
    kind: 'none',
    leavesChange: true,
  });
});

type Carrier = BegunEffect<unknown, Json, Json, JsonObject>;

/** As runners do that die and are replaced: the journal keeps the handle, and nothing else survives. */
async function carriedOn(effect: Carrier, inputs: unknown, before: Json, world: EbsWorld): Promise<Ending> {
  await using context = await contextOf(world.ports, newToken());
  const surviving = async <T>(act: () => Promise<T>): Promise<T | Killed> => {
    try {
      return await act();
    } catch (error) {
      if (error instanceof Killed) return error;
      throw error;
    }
  };
  let handle: Json = null;
  for (;;) {
    const begun = await surviving(() => effect.begin(inputs, before, context));
    if (!(begun instanceof Killed)) {
      handle = JSON.parse(JSON.stringify(begun)) as Json;
      break;
    }
    const found = await surviving(() => effect.adopt(inputs, before, context));
    if (found instanceof Killed || found.kind === 'absent') continue;
    if (found.kind !== 'running') throw new Error(`adopt says ${found.kind}`);
    handle = found.handle;
    break;
  }
  for (;;) {
    const answer = await surviving(() => effect.poll(handle, inputs, before, context));
    if (answer instanceof Killed) {
      handle = JSON.parse(JSON.stringify(handle)) as Json;
      continue;
    }
    if (answer.kind !== 'pending') return answer;
    world.pass(answer.afterMs);
  }
}

const asBegun = (effect: ReturnType<typeof effectOf>): Carrier => {
  if (effect.kind !== 'begun') throw new Error('it is begun');
  return effect;
};

test.each(['before', 'after'] as const)(
  'a runner killed %s any of its calls is replaced, and nothing is done twice',
  async (when) => {
    const plain = await prepared();
    const started = plain.world.calls();
    await carriedOn(asBegun(effectOf(restore, plain.inputs)), plain.inputs, null, plain.world);
    const callCount = plain.world.calls() - started;
    expect(callCount).toBeGreaterThan(10);
    for (let nth = 1; nth <= callCount; nth += 1) {
      const { world, inputs } = await prepared();
      const before = seen(world.look());
      world.killAt(nth, when);
      const ending = await carriedOn(asBegun(effectOf(restore, inputs)), inputs, null, world);
      expect(ending, `killed ${when} call ${nth}`).toMatchObject({ kind: 'done' });
      const state = world.look();
      expect(Object.keys(state.volumes)).toHaveLength(Object.keys(before.volumes).length + 1);
      expect(mountedVolume(state)).toBe(attachedAt(state, '/dev/sdf')?.id);
      for (const operation of ['DetachVolume', 'AttachVolume']) {
        expect(
          world.done.filter((each) => each === operation),
          `killed ${when} call ${nth}`,
        ).toHaveLength(1);
      }
      const handleless = { inputs, before: null, outputs: null, handle: null, token: 'unknown' };
      const undone = await carriedOn(asBegun(undoEffectOf(restore, inputs)), handleless, null, world);
      expect(undone).toMatchObject({ kind: 'done' });
      expect(seen(world.look()), `undone after ${when} call ${nth}`).toEqual(before);
    }
  },
);

test.each(['before', 'after'] as const)('an undo killed %s any of its calls is carried on', async (when) => {
  for (let nth = 1; nth <= 40; nth += 1) {
    const { world, inputs } = await prepared();
    const before = seen(world.look());
    const done = await run(restore, inputs, world.ports);
    const known = {
      inputs,
      before: done.before,
      outputs: done.ending.outputs ?? null,
      handle: done.handle,
      token: done.token,
    };
    const started = world.calls();
    world.killAt(nth, when);
    const undone = await carriedOn(asBegun(undoEffectOf(restore, inputs)), known, null, world);
    expect(undone, `killed ${when} call ${nth}`).toMatchObject({ kind: 'done' });
    expect(seen(world.look()), `killed ${when} call ${nth}`).toEqual(before);
    if (world.calls() - started < nth) return;
  }
  throw new Error('the undo makes more calls than this test expects');
});

test('half an exchange is undone too: whatever move it stopped at', async () => {
  for (let nth = 1; nth <= 40; nth += 1) {
    const { world, inputs } = await prepared();
    const before = seen(world.look());
    const effect = asBegun(effectOf(restore, inputs));
    await using context = await contextOf(world.ports, newToken());
    world.killAt(nth, 'after');
    let finished = false;
    try {
      const handle = await effect.begin(inputs, null, context);
      for (;;) {
        const answer = await effect.poll(handle, inputs, null, context);
        if (answer.kind === 'pending') world.pass(answer.afterMs);
        else {
          finished = true;
          break;
        }
      }
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
    const nothing = { inputs, before: null, outputs: null, handle: null, token: context.token };
    const undone = await carriedOn(asBegun(undoEffectOf(restore, inputs)), nothing, null, world);
    expect(undone, `stopped after call ${nth}`).toMatchObject({ kind: 'done' });
    expect(seen(world.look()), `stopped after call ${nth}`).toEqual(before);
    if (finished) return;
  }
  throw new Error('the restore makes more calls than this test expects');
});

test.each(['CreateVolume', 'DetachVolume', 'AttachVolume', 'ModifyInstanceAttribute', 'CreateTags'])(
  'a lost reply to %s is found out, not repeated',
  async (operation) => {
    const { world, inputs } = await prepared();
    world.loseReply(operation);
    const effect = asBegun(effectOf(restore, inputs));
    await using context = await contextOf(world.ports, newToken());
    let handle = await effect.begin(inputs, null, context).catch(() => null);
    if (handle === null) {
      const found = await effect.adopt(inputs, null, context);
      handle = found.kind === 'running' ? found.handle : await effect.begin(inputs, null, context);
    }
    let answer = await effect.poll(handle, inputs, null, context);
    while (answer.kind === 'pending') {
      world.pass(answer.afterMs);
      answer = await effect.poll(handle, inputs, null, context);
    }
    expect(answer).toMatchObject({ kind: 'done' });
    expect(world.done.filter((each) => each === operation)).toHaveLength(1);
  },
);

test('listings that lag behind make no move happen twice', async () => {
  const { world, inputs } = await prepared();
  world.lag(2);
  const done = await run(restore, inputs, world.ports);
  expect(done.ending).toMatchObject({ kind: 'done' });
  for (const operation of ['CreateVolume', 'DetachVolume', 'AttachVolume']) {
    expect(world.asked.filter((each) => each === operation)).toHaveLength(1);
  }
});

test('asked for once more after it has ended, it restores once more and keeps what it replaces', async () => {
  const { world, inputs } = await prepared();
  const first = await run(restore, inputs, world.ports);
  const second = await run(restore, inputs, world.ports);
  const made = [first, second].flatMap(({ ending }) => (ending.outputs?.['VolumeIds'] ?? []) as string[]);
  expect(new Set(made).size).toBe(2);
  expect(second.ending.outputs?.['PreviousVolumeIds']).toEqual([made[0]]);
  const third = await run(restore, inputs, world.ports);
  expect(third.ending.outputs?.['PreviousVolumeIds']).toEqual([made[1]]);
  expect(Object.keys(world.look().volumes)).toEqual(expect.arrayContaining([db1Data, ...made]));
});

test('ebs:putBack (src/actions/ebs/put-back.ts) leaves a restore again: the old volume is in place, the new one is gone', async () => {
  const { world, inputs } = await prepared();
  const nothing = await run(putBack, inputs, world.ports);
  expect(nothing.ending).toMatchObject({ kind: 'done', outputs: { VolumeIds: [], Removed: [] } });
  const before = seen(world.look());
  const restored = await run(restore, inputs, world.ports);
  const made = restored.ending.outputs?.['VolumeIds'];
  const left = await run(putBack, inputs, world.ports);
  expect(left.ending).toMatchObject({ kind: 'done', outputs: { VolumeIds: [db1Data], Removed: made } });
  expect(seen(world.look())).toEqual(before);
});

test('ebs:findVolumes (src/actions/ebs/find-volumes.ts) names the volumes below, and refuses a root volume', async () => {
  const world = ebsWorld((state) => state);
  const found = await run(findVolumes, { Host: 'db1', Mounts: [mount], Restorable: true }, world.ports);
  expect(found.ending).toMatchObject({ kind: 'done', outputs: { VolumeIds: [db1Data], OtherMounts: [] } });
  const root = await run(findVolumes, { Host: 'db1', Mounts: ['/'], Restorable: true }, world.ports);
  expect(root.ending).toMatchObject({ kind: 'failed', code: 'NOT_RESTORABLE' });
  await expect(run(findVolumes, { Host: 'db1', Mounts: ['/nowhere'] }, world.ports)).rejects.toMatchObject({
    code: 'NOT_MOUNTED',
  });
});
