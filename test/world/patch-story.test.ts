/** The actions of the PostgreSQL patch over the sandbox, to the end and back: what the demo shows, seen in the world. */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { restore } from '../../src/actions/ebs/restore.ts';
import { snapshot } from '../../src/actions/ebs/snapshot.ts';
import { packageAction } from '../../src/actions/host/package.ts';
import { service } from '../../src/actions/host/service.ts';
import { check } from '../../src/actions/postgresql/check.ts';
import type { JsonObject } from '../../src/json.ts';
import { createAwsModels } from '../../src/transports/aws/models.ts';
import {
  memoryWorld,
  newWorld,
  sandboxAws,
  sandboxHost,
  sandboxIds,
  type WorldState,
} from '../../src/world/index.ts';
import { run, undo, type Run } from '../support/action-bed.ts';

function setUp() {
  const world = memoryWorld(newWorld(), {
    now: Date.now,
    sleep: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
  });
  const db1 = sandboxHost(world, 'db1');
  if (!db1) throw new Error('the sandbox has no db1');
  const ports = { hosts: { db1 }, aws: sandboxAws(world, createAwsModels()) };
  const wellDone = async (action: Parameters<typeof run>[0], inputs: JsonObject): Promise<Run> => {
    const done = await run(action, { Host: 'db1', ...inputs }, ports);
    expect(done.ending).toMatchObject({ kind: 'done' });
    return done;
  };
  return { world, ports, wellDone };
}

const unit = 'postgresql@15-main';
const canary = { Canary: { Table: 'orders' } };

/** What an operator would compare: everything but ids, times and what the scripts keep for themselves. */
function essence(state: WorldState) {
  const host = state.hosts['db1'];
  const system = state.volumes[sandboxIds.db1Root]?.contents.system;
  const mount = host?.mounts['/var/lib/postgresql'];
  return {
    units: Object.fromEntries(Object.entries(host?.units ?? {}).map(([name, { active }]) => [name, active])),
    server: host?.servers['15/main']?.packageVersion,
    packages: Object.fromEntries(
      Object.entries(system?.packages ?? {}).map(([name, { release, status }]) => [
        name,
        `${release.version} ${status}`,
      ]),
    ),
    data: mount && state.volumes[mount.volumeId]?.contents.postgres,
    device: mount && state.volumes[mount.volumeId]?.attachment?.device,
    snapshots: Object.keys(state.snapshots),
  };
}

describe('patching PostgreSQL in the sandbox', () => {
  it('upgrades the server, and undone last step first leaves the world as it was', async () => {
    const { world, ports, wellDone } = setUp();
    const before = essence(world.look());
    const stopped = await wellDone(service, { Name: unit, State: 'stopped' });
    const taken = await wellDone(snapshot, { Mounts: ['/var/lib/postgresql'] });
    const patched = await wellDone(packageAction, {
      Names: ['postgresql-15', 'postgresql-client-15', 'libpq5'],
      Version: '15.20*',
    });
    const started = await wellDone(service, { Name: unit, State: 'started' });
    expect(taken.ending).toMatchObject({ restorePoints: [{ of: sandboxIds.db1Data }] });
    await wellDone(check, { ...canary, Expect: { ServerVersion: '15.20' } });
    expect(essence(world.look())).toMatchObject({
      server: '15.20-0+deb12u1',
      data: before.data,
      snapshots: [expect.stringMatching(/^snap-0/)],
    });

    for (const [action, done] of [
      [service, started],
      [packageAction, patched],
      [snapshot, taken],
      [service, stopped],
    ] as const)
      expect(await undo(action, done, ports)).toMatchObject({ kind: 'done' });
    expect(essence(world.look())).toEqual(before);
  });

  it('puts hurt data back from the snapshot, and can go back from that too', async () => {
    const { world, ports, wellDone } = setUp();
    const before = essence(world.look());
    const sound = await wellDone(check, canary);
    const Equals = sound.ending.kind === 'done' ? (sound.ending.outputs['Answer'] ?? null) : null;
    expect(Equals).toMatch(/^200000 [0-9a-f]{32}$/);
    await wellDone(service, { Name: unit, State: 'stopped' });
    const taken = await wellDone(snapshot, { Mounts: ['/var/lib/postgresql'] });
    await wellDone(service, { Name: unit, State: 'started' });
    await world.change((state) => {
      const orders = state.volumes[sandboxIds.db1Data]?.contents.postgres?.tables['postgres orders'];
      if (orders) Object.assign(orders, { rows: 100_000, content: 'every second row is gone' });
    });
    const verdict = await run(check, { Host: 'db1', Canary: { Table: 'orders', Equals } }, ports);
    expect(verdict.ending).toMatchObject({
      kind: 'failed',
      code: 'DATA_MISMATCH',
      outputs: { Intact: false },
    });

    const SnapshotIds = taken.ending.kind === 'done' ? (taken.ending.outputs['SnapshotIds'] ?? []) : [];
    await expect(run(restore, { Host: 'db1', SnapshotIds }, ports)).rejects.toMatchObject({
      code: 'MOUNT_BUSY',
    });
    await wellDone(service, { Name: unit, State: 'stopped' });
    const restored = await wellDone(restore, { SnapshotIds });
    await wellDone(service, { Name: unit, State: 'started' });
    await wellDone(check, { Canary: { Table: 'orders', Equals } });
    expect({ ...essence(world.look()), snapshots: [] }).toEqual(before);

    await wellDone(service, { Name: unit, State: 'stopped' });
    expect(await undo(restore, restored, ports)).toMatchObject({ kind: 'done' });
    expect(essence(world.look()).data?.tables['postgres orders']?.rows).toBe(100_000);
  });
});
