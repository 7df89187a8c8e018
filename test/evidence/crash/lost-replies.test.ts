/**
 * A call that changes something was carried out, and its answer never came; what reads afterwards may not know of it
 * yet either. Belay finds out what happened and goes on; the endpoint's journal says that nothing happened twice.
 */
import { CreateVolumeCommand, AttachVolumeCommand } from '@aws-sdk/client-ec2';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { fileURLToPath } from 'node:url';
import type { CallEntry } from '../../lab/endpoint/journal.ts';
import { createClients, until, type Clients } from '../../lab/endpoint/test-bed.ts';
import { labRegion, worldMissing } from '../../lab/world.ts';
import { raiseBed, start, type Bed, type Way } from './bed.ts';
import { demo } from './demo.ts';
import { storyOf } from './oracle.ts';
import { runRunner } from './run-runner.ts';

const reason = worldMissing();
const runbook = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

describe.skipIf(reason)(`lost replies${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let bed: Bed;
  let clients: Clients;
  let since = 0;
  let story: ReturnType<typeof storyOf>;

  beforeAll(async () => {
    bed = await raiseBed(['v1']);
    clients = createClients(bed.world.endpoint);
    await bed.world.lab.publish('v1', 'new');
    await addVolume();
  }, 360_000);
  afterAll(async () => {
    clients?.ec2.destroy();
    clients?.ssm.destroy();
    await bed?.down();
  }, 60_000);
  afterEach(() => bed.world.endpoint.faults.clear());

  /** A second data volume at /srv/more. */
  async function addVolume(): Promise<void> {
    const { VolumeId = '' } = await clients.ec2.send(
      new CreateVolumeCommand({ Size: 1, AvailabilityZone: `${labRegion}a` }),
    );
    await until(
      () => clients.volume(VolumeId),
      (volume) => volume?.State === 'available',
    );
    const InstanceId = bed.world.instanceId('v1');
    await clients.ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId, Device: '/dev/sdh' }));
    await until(
      () => clients.volume(VolumeId),
      (volume) => volume?.Attachments?.[0]?.State === 'attached',
    );
    await onHost('mkfs.ext4 -q /dev/xvdh && mkdir -p /srv/more && mount /dev/xvdh /srv/more');
  }

  async function onHost(script: string): Promise<string> {
    const { code, stdout, stderr } = await bed.world.lab.exec('v1', script);
    if (code !== 0) throw new Error(`v1: ${script} ended with ${code}: ${stderr}`);
    return stdout.trim();
  }

  /** Runs it to its end with the reply of the first such call lost, and unseen by the next readings. */
  async function runWithout(
    operation: string,
    file: string,
    texts: Record<string, string>,
    way: Way = 'ssh',
  ) {
    bed.world.endpoint.faults.add({ match: { op: operation, nth: 1 }, do: 'lost-reply', staleReads: 2 });
    since = bed.world.endpoint.journal.entries().length;
    story = storyOf(bed.world, 'v1');
    const belay = bed.belay('lost', way);
    const id = await start(belay, file, texts);
    const { stderr } = await runRunner(bed, belay.stateDir, id);
    expect(stderr).toBe('');
    expect(bed.world.endpoint.faults.played()).toMatchObject([{ times: 1 }]);
    const { status, steps } = await belay.view(id);
    return { status, failures: steps.flatMap(({ failure }) => failure ?? []) };
  }

  const callsSince = (operation: string): CallEntry[] =>
    bed.world.endpoint.journal
      .entries()
      .slice(since)
      .filter((entry) => entry.kind === 'call')
      .filter((entry) => entry.operation === operation);
  const effects = () => story().effects;
  const success = { status: 'Success', failures: [] };

  test('CreateSnapshot: the snapshot that was made is found by its tag and waited for', async () => {
    const subject = demo(bed, 'ssh', '1.1');
    await subject.reset('v1');
    expect(await runWithout('CreateSnapshot', subject.runbook, { Host: 'v1', Wanted: '1.1' })).toMatchObject(
      success,
    );
    expect(callsSince('CreateSnapshot')).toMatchObject([{ reply: 'cut', status: 200 }]);
    expect(effects()).toEqual(['snapshotCopied']);
    expect(await subject.look('v1')).toMatchObject({
      version: '1.1 installed',
      upgrades: ['belay-demo:all 1.0 1.1'],
    });
  }, 180_000);

  test('CreateSnapshots: the set that was made is adopted as a whole', async () => {
    const ending = await runWithout('CreateSnapshots', runbook('two-volumes.yaml'), { Host: 'v1' });
    expect(ending).toEqual(success);
    expect(callsSince('CreateSnapshots')).toMatchObject([{ reply: 'cut', status: 200 }]);
    expect(effects()).toEqual(['snapshotCopied', 'snapshotCopied']);
  }, 180_000);

  test('CreateVolume: the restore takes the volume that was made, and the data is back', async () => {
    await onHost('echo sound >/srv/data/state && sync');
    const ending = await runWithout('CreateVolume', runbook('restore.yaml'), { Host: 'v1' });
    expect(ending).toEqual(success);
    expect(effects().filter((effect) => effect === 'volumeCreated')).toHaveLength(1);
    expect(effects()).toEqual(['snapshotCopied', 'volumeCreated', 'volumeDetached', 'volumeAttached']);
    expect(await onHost('cat /srv/data/state; findmnt -n -o SOURCE /srv/data')).toMatch(/^sound\n\/dev\/xvd/);
  }, 180_000);

  test('SendCommand: the command that was sent is found by its comment and ran once', async () => {
    await onHost('rm -f /var/tmp/runs');
    const InstanceId = bed.world.instanceId('v1');
    expect(await runWithout('SendCommand', runbook('command.yaml'), { InstanceId }, 'ssm')).toMatchObject(
      success,
    );
    expect(callsSince('SendCommand')).toMatchObject([{ reply: 'cut', status: 200 }]);
    expect(await onHost('cat /var/tmp/runs')).toBe('ran');
  }, 180_000);

  test('every fourth SendCommand of a whole patch over SSM: upgraded once', async () => {
    const subject = demo(bed, 'ssm', '1.1');
    await subject.reset('v1');
    const id = await subject.start('v1');
    bed.world.endpoint.faults.add({
      match: { op: 'SendCommand', every: 4 },
      do: 'lost-reply',
      staleReads: 1,
    });
    const { ending, stderr } = await runRunner(bed, bed.belay('v1', 'ssm').stateDir, id);
    expect(stderr).toBe('');
    expect(ending).toMatchObject({ kind: 'ended', result: { status: 'Success' } });
    expect(bed.world.endpoint.faults.played()[0]?.times).toBeGreaterThan(3);
    expect(await subject.look('v1')).toMatchObject({
      version: '1.1 installed',
      upgrades: ['belay-demo:all 1.0 1.1'],
      unitStory: ['Stopped', 'Started'],
      effects: ['snapshotCopied'],
    });
  }, 300_000);
});
