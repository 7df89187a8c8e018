/** Machine images: found, waited for and removed with the snapshots that they stand on. */
import { AwsFailure } from '../../transports/aws.ts';
import type { JsonObject } from '../../json.ts';
import { done, failed, pending, type ActionContext, type Poll, type UndoInputs } from '../define-action.ts';
import { isStillPatient } from '../effects/patience.ts';
import { objectIn, objectsIn, pages, textIn } from './reply.ts';
import { restoring } from './restoring.ts';
import { madeUnder, tokenOn } from './token-tags.ts';
import { callAws, type ParamsOf } from '../../transports/aws-calls.ts';

/** How long a new image or its tags may be invisible to DescribeImages. */
export const imageSettleMs = 30_000;
const pollMs = 3_000;
/** A snapshot may be in use for moments after its image has gone; after so long another image uses it. */
const inUseSeconds = 30;

/** `FoundAt`, in ms since 1970: when the id became known, for how long NotFound means "not yet". */
export type ImageHandle = { readonly ImageId: string; readonly FoundAt: number };

export type ImageOutputs = { readonly ImageId: string; readonly ImageState: string };

export interface Image {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly reason: string;
  readonly snapshots: readonly string[];
  readonly token: string;
}

/** Undefined: EC2 does not know the id, not yet or not any more. */
export async function describeImage(
  id: string,
  { aws, signal }: Pick<ActionContext, 'aws' | 'signal'>,
): Promise<Image | undefined> {
  try {
    const params = { ImageIds: [id] };
    const reply = await callAws(aws, { service: 'ec2', operation: 'DescribeImages', params, signal });
    return objectsIn(reply, 'Images').map(imageOf)[0];
  } catch (error) {
    if (error instanceof AwsFailure && isGone.has(error.code)) return undefined;
    throw error;
  }
}

const isGone = new Set(['InvalidAMIID.NotFound', 'InvalidAMIID.Unavailable']);

export async function imageMadeUnder(token: string, context: ActionContext): Promise<string | undefined> {
  const params = { Owners: ['self'], Filters: [madeUnder(token)] };
  for await (const page of pages('ec2', 'DescribeImages', params, context)) {
    const [first] = objectsIn(page, 'Images').map(imageOf);
    if (first !== undefined) return first.id;
  }
  return undefined;
}

function imageOf(described: JsonObject): Image {
  return {
    id: textIn(described, 'ImageId'),
    name: textIn(described, 'Name'),
    state: textIn(described, 'State'),
    reason: textIn(objectIn(described, 'StateReason'), 'Message'),
    // A device of the instance's own disks has none.
    snapshots: objectsIn(described, 'BlockDeviceMappings')
      .map((device) => textIn(objectIn(device, 'Ebs'), 'SnapshotId'))
      .filter((id) => id !== ''),
    token: tokenOn(described),
  };
}

const broken = new Set(['invalid', 'deregistered', 'transient', 'failed', 'error', 'disabled']);

/** Waits until the image is available. `of`: what it is made of, for people and as what the restore point is of. */
export async function followImage(
  { ImageId, FoundAt }: ImageHandle,
  of: string,
  context: ActionContext,
): Promise<Poll<ImageOutputs>> {
  const image = await describeImage(ImageId, context);
  if (image === undefined) {
    if (context.now() - FoundAt < imageSettleMs) return pending(1_000, `${ImageId} is not listed yet`);
    return failed('IMAGE_GONE', `${ImageId} of ${of} was begun and does not exist any more`);
  }
  const outputs = { ImageId, ImageState: image.state };
  if (image.state === 'available')
    return done(outputs, { restorePoints: [{ id: ImageId, of }], note: `${ImageId} of ${of}` });
  if (broken.has(image.state)) {
    const why = image.reason || 'EC2 gives no reason';
    return failed('IMAGE_FAILED', `${ImageId} of ${of} is ${image.state}: ${why}`, {
      outputs,
      changes: [{ target: of, subject: 'image', from: null, to: ImageId }],
    });
  }
  return pending(pollMs, `waiting for ${ImageId} of ${of}: ${image.state || 'no state yet'}`);
}

/** What EC2 writes into the description of the snapshots that it takes for an image that is not ready yet. */
async function snapshotsTakenFor(id: string, context: ActionContext): Promise<readonly string[]> {
  const made = `Created by CreateImage(*) for ${id}`;
  const copied = `Copied for DestinationAmi ${id}`;
  const descriptions = [made, `${made} *`, copied, `${copied} *`];
  const params = { OwnerIds: ['self'], Filters: [{ Name: 'description', Values: descriptions }] };
  const found: string[] = [];
  for await (const page of pages('ec2', 'DescribeSnapshots', params, context))
    found.push(...objectsIn(page, 'Snapshots').map((snapshot) => textIn(snapshot, 'SnapshotId')));
  return found;
}

/** What goes with the image; `ImageId` null: there is none. */
export type Removal = { readonly ImageId: string | null; readonly Snapshots: readonly string[] };

/** Everything that is to go, looked up while the image can still say what it stands on. */
export async function planRemoval(id: string, context: ActionContext): Promise<Removal> {
  const image = await describeImage(id, context);
  const taken = await snapshotsTakenFor(id, context);
  return { ImageId: id, Snapshots: [...new Set([...(image?.snapshots ?? []), ...taken])] };
}

/** One round of removing; repeatable. Undefined: all of it is gone. */
export async function removeImage(
  removal: Removal,
  context: ActionContext,
): Promise<Exclude<Poll<JsonObject>, { kind: 'done' }> | undefined> {
  const { ImageId, Snapshots } = removal;
  if (ImageId === null) return undefined;
  await ignoring(isGone, () => change('DeregisterImage', { ImageId }, context));
  if ((await describeImage(ImageId, context)) !== undefined)
    return pending(1_000, `waiting for ${ImageId} to be deregistered`);
  const inUse: string[] = [];
  for (const SnapshotId of Snapshots) {
    try {
      await ignoring(isNoSnapshot, () => change('DeleteSnapshot', { SnapshotId }, context));
    } catch (error) {
      if (!(error instanceof AwsFailure) || error.code !== 'InvalidSnapshot.InUse') throw error;
      inUse.push(error.message);
    }
  }
  if (inUse.length === 0) return undefined;
  if (isStillPatient(context, inUseSeconds)) return pending(2_000, inUse.join(' '));
  return failed(
    'SNAPSHOT_IN_USE',
    `${ImageId} is deregistered, and of its snapshots are left: ${inUse.join(' ')}`,
  );
}

const isNoSnapshot = new Set(['InvalidSnapshot.NotFound']);

async function ignoring(codes: ReadonlySet<string>, act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof AwsFailure) || !codes.has(error.code)) throw error;
  }
}

function change<const Operation extends string>(
  operation: Operation,
  params: ParamsOf<'ec2', Operation>,
  { aws, signal }: ActionContext,
): Promise<JsonObject> {
  return callAws<'ec2', Operation>(aws, { service: 'ec2', operation, params, signal });
}

/** For people. The snapshots were part of the image, and go with it. */
export function removed(of: string, { ImageId, Snapshots }: Removal) {
  if (ImageId === null) return {};
  return {
    changes: [{ target: of, subject: 'image', from: ImageId, to: null }],
    ...(Snapshots.length === 0 ? {} : { note: `with ${Snapshots.join(', ')}` }),
  };
}

type UndoOf<I> = Pick<
  UndoInputs<I, null, ImageHandle, ImageOutputs>,
  'inputs' | 'outputs' | 'handle' | 'token'
>;

/** Deregisters the image that the step made and deletes its snapshots. */
export function withoutImage<I>(of: (inputs: I) => string) {
  return restoring({
    look: async ({ outputs, handle, token }: UndoOf<I>, context): Promise<Removal> => {
      const id = outputs?.ImageId ?? handle?.ImageId ?? (await imageMadeUnder(token, context));
      return id === undefined ? { ImageId: null, Snapshots: [] } : planRemoval(id, context);
    },
    drive: async (found, { inputs }, context) =>
      (await removeImage(found, context)) ?? done({}, removed(of(inputs), found)),
  });
}
