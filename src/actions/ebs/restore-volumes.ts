/** The volumes of an ebs:restore: the new ones are made and removed, the old ones marked or given up. */
import { AwsFailure } from '../../transports/aws.ts';
import { textIn } from '../aws/reply.ts';
import { ActionFailure, pending, replacedByTagKey, type ActionContext } from '../define-action.ts';
import { byVolumeId, call, listVolumes, nudge, type Volume } from './ec2.ts';
import { hostTokenOf } from './quiesce.ts';
import { tagsOf, type PendingExchange, type Exchange, type RestorePlan } from './restore-plan.ts';

const lookAgainMs = 1_000;

/** All or none: what was made before a refusal goes again, and the refusal says that something may be left. */
export async function makeVolumes(
  pending: readonly PendingExchange[],
  instanceId: string,
  key: string,
  context: ActionContext,
): Promise<RestorePlan> {
  const made: Exchange[] = [];
  for (const each of pending) {
    try {
      made.push({ ...each.exchange, New: await makeVolume(each, instanceId, key, context) });
    } catch (error) {
      if (made.length === 0 || !(error instanceof AwsFailure) || error.effect === 'unknown') throw error;
      for (const { New } of made)
        await call(context, 'DeleteVolume', { VolumeId: New }).catch(() => undefined);
      throw new ActionFailure({
        code: error.code,
        message: `the volume for ${each.exchange.Device} could not be made: ${error.message}; nothing was exchanged`,
        retryable: error.retryable,
        effect: 'known',
        cause: error,
      });
    }
  }
  return { InstanceId: instanceId, Exchanges: made };
}

async function makeVolume(
  each: PendingExchange,
  instanceId: string,
  key: string,
  context: ActionContext,
): Promise<string> {
  const { old, exchange } = each;
  const takesIops = ['gp3', 'io1', 'io2'].includes(old.type);
  const tags = Object.entries(tagsOf(each, instanceId, key, context));
  const reply = await call(
    context,
    'CreateVolume',
    {
      AvailabilityZone: old.zone,
      SnapshotId: exchange.SnapshotId,
      Size: old.sizeGiB,
      VolumeType: old.type,
      ...(takesIops && old.iops !== null ? { Iops: old.iops } : {}),
      ...(old.type === 'gp3' && old.throughput !== null ? { Throughput: old.throughput } : {}),
      ...(old.encrypted ? { Encrypted: true } : {}),
      ...(old.encrypted && old.kmsKeyId !== null ? { KmsKeyId: old.kmsKeyId } : {}),
      ...(old.multiAttach ? { MultiAttachEnabled: true } : {}),
      TagSpecifications: [{ ResourceType: 'volume', Tags: tags.map(([Key, Value]) => ({ Key, Value })) }],
    },
    hostTokenOf(context.token, `create ${old.id}`),
  );
  return textIn(reply, 'VolumeId');
}

/** The old volumes are marked, or go where the author gave them up. Undefined: so it is. */
export async function leaveOld({ Exchanges }: RestorePlan, keep: boolean, context: ActionContext) {
  const ids = Exchanges.map(({ Old }) => Old);
  if (!keep) return removeVolumes(ids, context);
  const listed = await listVolumes(context, byVolumeId(ids));
  for (const { Old, New } of Exchanges) {
    const old = listed.find(({ id }) => id === Old);
    if (old === undefined || old.tags[replacedByTagKey] === New) continue;
    await nudge(context, 'CreateTags', { Resources: [Old], Tags: [{ Key: replacedByTagKey, Value: New }] });
  }
  return undefined;
}

export async function forgetReplacement({ Exchanges }: RestorePlan, context: ActionContext): Promise<void> {
  const listed = await listVolumes(context, byVolumeId(Exchanges.map(({ Old }) => Old)));
  const marked = listed.filter(({ tags }) => tags[replacedByTagKey] !== undefined).map(({ id }) => id);
  if (marked.length === 0) return;
  await nudge(context, 'DeleteTags', { Resources: marked, Tags: [{ Key: replacedByTagKey }] });
}

/** Undefined: none of them is there any more. */
export async function removeVolumes(ids: readonly string[], context: ActionContext) {
  if (ids.length === 0) return undefined;
  const isThere = ({ state }: Volume) => state !== 'deleting' && state !== 'deleted';
  const left = (await listVolumes(context, byVolumeId(ids))).filter(isThere);
  if (left.length === 0) return undefined;
  for (const { id, state } of left) {
    if (state === 'creating') continue;
    try {
      await call(context, 'DeleteVolume', { VolumeId: id });
    } catch (error) {
      const isGone = error instanceof AwsFailure && error.code === 'InvalidVolume.NotFound';
      const isLater = error instanceof AwsFailure && (error.retryable || error.effect === 'unknown');
      if (!isGone && !isLater) throw error;
    }
  }
  return pending(lookAgainMs, `waiting for ${left.map(({ id }) => id).join(', ')} to be deleted`);
}
