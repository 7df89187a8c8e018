/**
 * Images and launches through the real AWS client against the lab's endpoint over moto: what is made is waited for, found
 * again when its answer was lost, and taken back. The endpoint's journal counts how often each was made.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeSnapshotsCommand,
} from '@aws-sdk/client-ec2';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AnyAction } from '../../../src/actions/define-action.ts';
import { actions } from '../../../src/actions/index.ts';
import type { JsonObject } from '../../../src/json.ts';
import { createAws } from '../../../src/transports/aws/client.ts';
import { motoMissing } from '../../lab/endpoint/moto.ts';
import { credentials, raiseTestBed, region, type TestBed } from '../../lab/endpoint/test-bed.ts';
import { newToken, run as runAction, undo, type Run, type World } from '../../support/action-bed.ts';
import { hashToken } from '../../../src/runtime/token.ts';
import { fakeHost } from './support/fake-host.ts';

const reason = motoMissing();
/** What moto does otherwise than AWS. */
const copiesAgain = 'moto makes a second copy, and drops its tags';

describe.skipIf(reason)(
  `images and launches against the endpoint${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let bed: TestBed;
    let world: World;
    let baseImage = '';

    beforeAll(async () => {
      bed = await raiseTestBed();
      const aws = createAws({ endpoint: bed.endpoint.url, region, credentials: async () => credentials });
      world = {
        executionId: '01JENDPOINT',
        aws,
        host: (name) => fakeHost(name, { transport: 'ssm', instanceId: name }),
        wait: (ms) => delay(Math.min(ms, 100)),
      };
      const { Images = [] } = await bed.ec2.send(new DescribeImagesCommand({ Owners: ['amazon'] }));
      baseImage = Images[0]?.ImageId ?? '';
    }, 90_000);
    afterEach(() => bed?.endpoint.faults.clear());
    afterAll(async () => {
      await bed?.close();
    });

    const action = (name: string): AnyAction => {
      const found = actions.get(name);
      if (found === undefined) throw new Error(`no action ${name}`);
      return found;
    };
    const run = (name: string, inputs: JsonObject, token = newToken()): Promise<Run> =>
      runAction(action(name), inputs, world, { token });
    const outputs = ({ ending }: Run): JsonObject =>
      'outputs' in ending && ending.outputs !== undefined ? ending.outputs : {};
    const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
    const callsWith = (operation: string, text: string): number =>
      bed.endpoint.journal.calls(operation).filter((call) => JSON.stringify(call.params).includes(text))
        .length;
    const named = (): JsonObject => ({ ImageName: `image-${randomUUID()}` });
    const images = async (id: string): Promise<number> =>
      (await bed.ec2.send(new DescribeImagesCommand({ Filters: [{ Name: 'image-id', Values: [id] }] })))
        .Images?.length ?? 0;
    const snapshotsOf = async (id: string): Promise<string[]> => {
      const { Images = [] } = await bed.ec2.send(new DescribeImagesCommand({ ImageIds: [id] }));
      return Images.flatMap(({ BlockDeviceMappings = [] }) =>
        BlockDeviceMappings.flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []),
      );
    };
    const listed = async (ids: readonly string[]): Promise<number> =>
      (
        await bed.ec2.send(
          new DescribeSnapshotsCommand({ Filters: [{ Name: 'snapshot-id', Values: [...ids] }] }),
        )
      ).Snapshots?.length ?? 0;

    it('aws:createImage makes an image, and undo takes it and its snapshots back', async () => {
      const inputs = { InstanceId: bed.web, ...named(), NoReboot: true };
      const made = await run('aws:createImage', inputs);
      const id = textOf(outputs(made)['ImageId']);
      expect(made.ending).toMatchObject({
        kind: 'done',
        outputs: { ImageState: 'available' },
        restorePoints: [{ id, of: bed.web }],
      });
      const stood = await snapshotsOf(id);
      expect(stood.length).toBeGreaterThan(0);
      const removed = await undo(action('aws:createImage'), made, world);
      expect(removed).toMatchObject({
        kind: 'done',
        changes: [{ target: bed.web, subject: 'image', from: id, to: null }],
      });
      expect([await images(id), await listed(stood)]).toEqual([0, 0]);
    });

    it('aws:createImage adopts an image whose reply was lost', async () => {
      const token = newToken();
      bed.endpoint.faults.add({ match: { op: 'CreateImage', nth: 1 }, do: 'lost-reply' });
      const made = await run('aws:createImage', { InstanceId: bed.web, ...named(), NoReboot: true }, token);
      expect(made.ending.kind).toBe('done');
      expect(callsWith('CreateImage', hashToken(token))).toBe(1);
    });

    it('aws:deleteImage takes an image and its snapshots', async () => {
      const made = await run('aws:createImage', { InstanceId: bed.web, ...named(), NoReboot: true });
      const ImageId = textOf(outputs(made)['ImageId']);
      const stood = await snapshotsOf(ImageId);
      const gone = await run('aws:deleteImage', { ImageId });
      expect(gone.ending).toMatchObject({ kind: 'done' });
      expect([await images(ImageId), await listed(stood)]).toEqual([0, 0]);
      await expect(run('aws:deleteImage', { ImageId })).rejects.toMatchObject({ code: 'NO_SUCH_IMAGE' });
    });

    it('aws:copyImage copies, and undo takes the copy back and leaves the source', async () => {
      const source = await run('aws:createImage', { InstanceId: bed.web, ...named(), NoReboot: true });
      const SourceImageId = textOf(outputs(source)['ImageId']);
      const inputs = { SourceRegion: region, SourceImageId, ...named() };
      const made = await run('aws:copyImage', inputs);
      const id = textOf(outputs(made)['ImageId']);
      expect(made.ending).toMatchObject({ kind: 'done', outputs: { ImageState: 'available' } });
      await undo(action('aws:copyImage'), made, world);
      expect([await images(id), await images(SourceImageId)]).toEqual([0, 1]);
    });

    it.skipIf(copiesAgain)(
      `aws:copyImage makes one copy under one client token (skipped: ${copiesAgain})`,
      async () => {
        const source = await run('aws:createImage', { InstanceId: bed.web, ...named(), NoReboot: true });
        const SourceImageId = textOf(outputs(source)['ImageId']);
        const inputs = { SourceRegion: region, SourceImageId, ...named() };
        const token = newToken();
        const made = await run('aws:copyImage', inputs, token);
        const again = await run('aws:copyImage', inputs, token);
        expect(textOf(outputs(again)['ImageId'])).toBe(textOf(outputs(made)['ImageId']));
      },
    );

    it('aws:runInstances launches, waits for the checks, and undo terminates what it launched', async () => {
      const inputs = {
        ImageId: baseImage,
        InstanceType: 't3.micro',
        MinInstanceCount: 2,
        MaxInstanceCount: 2,
      };
      const made = await run('aws:runInstances', inputs);
      const { InstanceIds } = outputs(made);
      expect(made.ending).toMatchObject({
        kind: 'done',
        outputs: { InstanceStates: ['running', 'running'] },
      });
      const removed = await undo(action('aws:runInstances'), made, world);
      expect(removed).toMatchObject({ kind: 'done', changes: [{ to: null }, { to: null }] });
      const { Reservations = [] } = await bed.ec2.send(
        new DescribeInstancesCommand({ InstanceIds: InstanceIds as string[] }),
      );
      const states = Reservations.flatMap(({ Instances = [] }) => Instances.map(({ State }) => State?.Name));
      expect(states).toEqual(['terminated', 'terminated']);
      const again = await undo(action('aws:runInstances'), made, world);
      expect(again).toMatchObject({ kind: 'done', changes: [] });
    });

    it('aws:runInstances launches once, although the answer was lost and the first listings do not know it', async () => {
      const token = newToken();
      bed.endpoint.faults.add({ match: { op: 'RunInstances', nth: 1 }, do: 'lost-reply', staleReads: 3 });
      const made = await run('aws:runInstances', { ImageId: baseImage }, token);
      expect(made.ending).toMatchObject({ kind: 'done', outputs: { InstanceStates: ['running'] } });
      const { Reservations = [] } = await bed.ec2.send(
        new DescribeInstancesCommand({ Filters: [{ Name: 'tag:belay:token', Values: [hashToken(token)] }] }),
      );
      expect(Reservations.flatMap(({ Instances = [] }) => Instances)).toHaveLength(1);
    });
  },
);
