/** An endpoint that ends and comes back over the same moto and the same files. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AttachVolumeCommand, CreateVolumeCommand, DetachVolumeCommand } from '@aws-sdk/client-ec2';
import { ListCommandsCommand } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEndpoint } from './endpoint.ts';
import { createFileHands, type FileHands } from './file-hands.ts';
import { motoMissing, startMoto, type Moto } from './moto.ts';
import { createClients, region, until } from './test-bed.ts';

const reason = motoMissing();
describe.skipIf(reason)(`a restarted endpoint${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder = '';
  let moto: Moto;
  let hands: FileHands;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'belay-endpoint-'));
    moto = await startMoto();
    hands = await createFileHands(folder, { web1: [] });
  }, 90_000);

  afterAll(async () => {
    await hands?.close();
    await moto?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('knows its hosts, commands and journal, and finishes a detachment that it had begun', async () => {
    const stateFile = join(folder, 'state.json');
    const first = await startEndpoint({ hands, stateFile, moto: moto.url });
    const port = Number(new URL(first.url).port);
    const web = await first.adopt('web1');
    const before = createClients(first);
    const command = await before.send(web, ['sleep 1; echo over']);
    const { VolumeId } = await before.ec2.send(
      new CreateVolumeCommand({ Size: 1, AvailabilityZone: `${region}a` }),
    );
    await until(
      () => before.volume(VolumeId),
      (volume) => volume?.State === 'available',
    );
    await before.ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: web, Device: '/dev/sdf' }));
    hands.setMounted(VolumeId ?? '', true);
    await before.ec2.send(new DetachVolumeCommand({ VolumeId }));
    const journaled = first.journal.entries().length;
    await first.close();

    const second = await startEndpoint({ hands, stateFile, moto: moto.url, port });
    try {
      const after = createClients(second);
      expect(second.instanceId('web1')).toBe(web);
      expect(await second.adopt('web1')).toBe(web);
      expect(second.journal.entries().length).toBeGreaterThanOrEqual(journaled);
      expect((await after.volume(VolumeId))?.Attachments?.[0]?.State).toBe('detaching');
      hands.setMounted(VolumeId ?? '', false);
      await until(
        () => after.volume(VolumeId),
        (volume) => volume?.State === 'available',
      );
      expect(await after.ending(command)).toMatchObject({
        Status: 'Success',
        StandardOutputContent: 'over\n',
      });
      const { Commands } = await after.ssm.send(new ListCommandsCommand({ CommandId: command }));
      expect(Commands).toHaveLength(1);
      expect(after.effects('commandStarted', command)).toHaveLength(1);
    } finally {
      await second.close();
    }
  });
});
