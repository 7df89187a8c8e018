/** EC2's volumes, snapshots and instances as the ebs actions need them, read from replies once and exactly. */
import { AwsFailure } from '../../transports/aws.ts';
import type { JsonObject } from '../../json.ts';
import { numberIn, objectsIn, pages, textIn } from '../aws/reply.ts';
import { ActionFailure, type ActionContext } from '../define-action.ts';
import { callAws, type ParamsOf, type ReplyOf } from '../../transports/aws-calls.ts';

/** How long what EC2 has just made may be missing from its listings. */
export const settleMs = 30_000;

export type Ec2Context = Pick<ActionContext, 'aws' | 'signal'>;

export interface Attachment {
  readonly instanceId: string;
  readonly device: string;
  /** attaching, attached, detaching, busy */
  readonly state: string;
  readonly deleteOnTermination: boolean;
}

export interface Volume {
  readonly id: string;
  /** creating, available, in-use, deleting, error */
  readonly state: string;
  readonly sizeGiB: number;
  readonly type: string;
  readonly iops: number | null;
  /** MiB/s */
  readonly throughput: number | null;
  readonly encrypted: boolean;
  readonly kmsKeyId: string | null;
  readonly zone: string;
  readonly multiAttach: boolean;
  readonly tags: Readonly<Record<string, string>>;
  readonly attachments: readonly Attachment[];
}

export interface Snapshot {
  readonly id: string;
  readonly volumeId: string;
  readonly sizeGiB: number;
  /** pending, completed, error */
  readonly state: string;
  readonly progress: string;
  readonly problem: string;
  readonly startTime: string;
}

type Filter = { readonly Name: string; readonly Values: readonly string[] };

/** What EC2 lists; ids that it does not know are left out. */
export async function listVolumes(
  context: Ec2Context,
  ...Filters: readonly Filter[]
): Promise<readonly Volume[]> {
  const found: Volume[] = [];
  for await (const page of pages('ec2', 'DescribeVolumes', { Filters }, context)) {
    found.push(...objectsIn(page, 'Volumes').map(volumeOf));
  }
  return found;
}

export async function listSnapshots(
  context: Ec2Context,
  ...Filters: readonly Filter[]
): Promise<readonly Snapshot[]> {
  const found: Snapshot[] = [];
  for await (const page of pages('ec2', 'DescribeSnapshots', { OwnerIds: ['self'], Filters }, context)) {
    found.push(...objectsIn(page, 'Snapshots').map(snapshotOf));
  }
  return found;
}

export const byTag = (key: string, value: string): Filter => ({ Name: `tag:${key}`, Values: [value] });
export const byVolumeId = (ids: readonly string[]): Filter => ({ Name: 'volume-id', Values: ids });
export const bySnapshotId = (ids: readonly string[]): Filter => ({ Name: 'snapshot-id', Values: ids });
export const attachedTo = (instanceId: string): Filter => ({
  Name: 'attachment.instance-id',
  Values: [instanceId],
});

/** `/dev/xvda` or `/dev/sda1`. Throws AwsFailure for an unknown instance. */
export async function rootDeviceOf(instanceId: string, context: Ec2Context): Promise<string> {
  const reply = await call(context, 'DescribeInstances', { InstanceIds: [instanceId] });
  const instance = objectsIn(reply, 'Reservations').flatMap((each) => objectsIn(each, 'Instances'))[0];
  if (instance === undefined) {
    throw new ActionFailure({ code: 'NO_SUCH_INSTANCE', message: `EC2 lists no instance ${instanceId}` });
  }
  return textIn(instance, 'RootDeviceName');
}

export function call<const Operation extends string>(
  { aws, signal }: Ec2Context,
  operation: Operation,
  params: ParamsOf<'ec2', Operation>,
  token?: string,
): Promise<ReplyOf<'ec2', Operation>> {
  return callAws<'ec2', Operation>(aws, {
    service: 'ec2',
    operation,
    params,
    signal,
    ...(token === undefined ? {} : { token }),
  });
}

/**
 * A change whose effect is looked for in the world afterwards. A lost reply, and a refusal that says that the change
 * has been made already, end well here: the next look decides.
 */
export async function nudge<const Operation extends string>(
  context: Ec2Context,
  operation: Operation,
  params: ParamsOf<'ec2', Operation>,
): Promise<void> {
  try {
    await call(context, operation, params);
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    if (error.effect === 'unknown' || error.retryable || madeAlready.has(error.code)) return;
    throw error;
  }
}

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
const madeAlready = new Set([
  'IncorrectState',
  'VolumeInUse',
  'InvalidAttachment.NotFound',
  'InvalidVolume.NotFound',
  'InvalidSnapshot.NotFound',
]);

/** False: it was not there any more. */
export async function deleteSnapshot(id: string, context: Ec2Context): Promise<boolean> {
  try {
    await call(context, 'DeleteSnapshot', { SnapshotId: id });
    return true;
  } catch (error) {
    if (error instanceof AwsFailure && error.code === 'InvalidSnapshot.NotFound') return false;
    throw error;
  }
}

function volumeOf(reply: JsonObject): Volume {
  return {
    id: textIn(reply, 'VolumeId'),
    state: textIn(reply, 'State'),
    sizeGiB: numberIn(reply, 'Size') ?? 0,
    type: textIn(reply, 'VolumeType'),
    iops: numberIn(reply, 'Iops'),
    throughput: numberIn(reply, 'Throughput'),
    encrypted: reply['Encrypted'] === true,
    kmsKeyId: textIn(reply, 'KmsKeyId') || null,
    zone: textIn(reply, 'AvailabilityZone'),
    multiAttach: reply['MultiAttachEnabled'] === true,
    tags: Object.fromEntries(
      objectsIn(reply, 'Tags').map((tag) => [textIn(tag, 'Key'), textIn(tag, 'Value')] as const),
    ),
    attachments: objectsIn(reply, 'Attachments')
      .filter((each) => textIn(each, 'State') !== 'detached')
      .map((each) => ({
        instanceId: textIn(each, 'InstanceId'),
        device: textIn(each, 'Device'),
        state: textIn(each, 'State'),
        deleteOnTermination: each['DeleteOnTermination'] === true,
      })),
  };
}

function snapshotOf(reply: JsonObject): Snapshot {
  return {
    id: textIn(reply, 'SnapshotId'),
    volumeId: textIn(reply, 'VolumeId'),
    sizeGiB: numberIn(reply, 'VolumeSize') ?? 0,
    state: textIn(reply, 'State'),
    progress: textIn(reply, 'Progress') || '0%',
    problem: textIn(reply, 'StateMessage') || 'EC2 gives no reason',
    startTime: textIn(reply, 'StartTime'),
  };
}

export const attachmentTo = (
  volume: Pick<Volume, 'attachments'> | undefined,
  instanceId: string,
): Attachment | undefined => volume?.attachments.find((attachment) => attachment.instanceId === instanceId);
