/** Snapshots are real copies made while the call runs; pending for a while afterwards, as EBS is. */
import { listParam, objectParam, textParam, type Caller } from '../api-call.ts';
import type { Cell, Handler } from '../cell.ts';
import { ApiError, ec2Reply } from '../reply.ts';
import type { SnapshotState } from '../state.ts';
import { child, element, items, put, textAt, type Element } from '../xml.ts';
import { cutPage, passes, splitFilters } from './filters.ts';
import { askMoto, refuseDryRun, rewritten } from './forward.ts';

export const createSnapshot: Handler = async (call, cell) => {
  refuseDryRun(call);
  const root = await askMoto(call, cell);
  const snapshot = { snapshotId: textAt(root, 'snapshotId'), volumeId: textAt(root, 'volumeId') };
  await copy([snapshot], call.caller, cell);
  showSnapshot(root, cell);
  return rewritten(root);
};

/** One moment for all volumes of an instance (moto ignores the exclusions and shows no state). */
export const createSnapshots: Handler = async (call, cell) => {
  const specification = objectParam(call.params, 'InstanceSpecification');
  const instanceId = textParam(specification, 'InstanceId') ?? '';
  const excluded = new Set(listParam(specification, 'ExcludeDataVolumeId'));
  const withoutBoot = textParam(specification, 'ExcludeBootVolume') === 'true';
  const described = await cell.moto.ec2(call.caller, 'DescribeInstances', { 'InstanceId.1': instanceId });
  const instance = items(described, 'reservationSet').flatMap((reservation) =>
    items(reservation, 'instancesSet'),
  )[0];
  if (instance === undefined)
    throw new ApiError('InvalidInstanceID.NotFound', `The instance ID '${instanceId}' does not exist`);
  const root = textAt(instance, 'rootDeviceName');
  const mappings = items(instance, 'blockDeviceMapping').map((mapping) => ({
    device: textAt(mapping, 'deviceName'),
    volumeId: textAt(mapping, 'ebs', 'volumeId'),
  }));
  for (const volumeId of excluded) {
    if (!mappings.some((mapping) => mapping.volumeId === volumeId && mapping.device !== root))
      throw new ApiError('InvalidParameterValue', `${volumeId} is not a data volume of ${instanceId}`);
  }
  const chosen = mappings.filter(
    ({ device, volumeId }) => !excluded.has(volumeId) && !(withoutBoot && device === root),
  );
  if (chosen.length === 0)
    throw new ApiError('InvalidParameterCombination', 'At least one volume must be included');
  refuseDryRun(call);

  const made: { snapshotId: string; volumeId: string }[] = [];
  const shown: Element[] = [];
  for (const { volumeId } of chosen) {
    const form: Record<string, string> = { VolumeId: volumeId };
    for (const [name, value] of new URLSearchParams(call.request.body.toString('utf8'))) {
      if (name === 'Description' || name.startsWith('TagSpecification.')) form[name] = value;
    }
    const snapshot = await cell.moto.ec2(call.caller, 'CreateSnapshot', form);
    made.push({ snapshotId: textAt(snapshot, 'snapshotId'), volumeId });
    if (textParam(call.params, 'CopyTagsFromSource') === 'volume')
      await copyTags(volumeId, snapshot, call.caller, cell);
    shown.push(snapshot);
  }
  await copy(made, call.caller, cell);
  const set = shown.map((snapshot) => {
    const members = snapshot.children.filter(({ name }) => name !== 'requestId' && name !== 'status');
    // SnapshotInfo calls it state, Snapshot calls it status.
    return element('item', [
      ...members.map((member) => (member.name === 'progress' ? element('progress') : member)),
      element('state', 'pending'),
    ]);
  });
  return ec2Reply(call.operation, [element('snapshotSet', set)]);
};

async function copyTags(volumeId: string, snapshot: Element, caller: Caller, cell: Cell): Promise<void> {
  const volumes = await cell.moto.ec2(caller, 'DescribeVolumes', { 'VolumeId.1': volumeId });
  const own = new Set(items(snapshot, 'tagSet').map((tag) => textAt(tag, 'key')));
  const missing = items(volumes, 'volumeSet')
    .flatMap((volume) => items(volume, 'tagSet'))
    .filter((tag) => !own.has(textAt(tag, 'key')) && !textAt(tag, 'key').startsWith('aws:'));
  if (missing.length === 0) return;
  const form: Record<string, string> = { 'ResourceId.1': textAt(snapshot, 'snapshotId') };
  missing.forEach((tag, index) => {
    form[`Tag.${index + 1}.Key`] = textAt(tag, 'key');
    form[`Tag.${index + 1}.Value`] = textAt(tag, 'value');
  });
  await cell.moto.ec2(caller, 'CreateTags', form);
  put(snapshot, element('tagSet', [...items(snapshot, 'tagSet'), ...missing]));
}

/** Copies for real. When that fails, moto forgets the snapshots again and the call fails as a whole. */
async function copy(
  made: readonly { snapshotId: string; volumeId: string }[],
  caller: Caller,
  cell: Cell,
): Promise<void> {
  const startedAt = Date.now();
  const copies = made.flatMap(({ snapshotId, volumeId }) => {
    const volume = cell.state.volumes[volumeId]?.backing;
    return volume === undefined ? [] : [{ snapshot: snapshotId, volume }];
  });
  try {
    if (copies.length > 0) await cell.hands.snapshot(copies);
  } catch (error) {
    for (const { snapshotId } of made)
      await cell.moto.ec2(caller, 'DeleteSnapshot', { SnapshotId: snapshotId });
    throw error;
  }
  for (const { snapshotId, volumeId } of made) {
    const isCopied = copies.some(({ snapshot }) => snapshot === snapshotId);
    cell.state.snapshots[snapshotId] = {
      snapshotId,
      volumeId,
      ...(isCopied ? { backing: snapshotId } : {}),
      startedAt,
      completedAt: Date.now() + cell.settings.snapshotMs,
    };
    if (isCopied) cell.journal.addEffect('snapshotCopied', { snapshotId, volumeId });
  }
  cell.save();
}

export const deleteSnapshot: Handler = async (call, cell) => {
  refuseDryRun(call);
  const root = await askMoto(call, cell);
  const snapshotId = textParam(call.params, 'SnapshotId') ?? '';
  const snapshot = cell.state.snapshots[snapshotId];
  if (snapshot?.backing !== undefined) {
    await cell.hands.deleteSnapshot(snapshot.backing);
    cell.journal.addEffect('snapshotDeleted', { snapshotId });
  }
  delete cell.state.snapshots[snapshotId];
  cell.save();
  return rewritten(root);
};

const ownFilters = new Set(['status', 'progress']);

export const describeSnapshots: Handler = async (call, cell) => {
  const { forwarded, filters, page } = splitFilters(call, ownFilters);
  const root = await askMoto(forwarded, cell);
  const all = items(root, 'snapshotSet');
  for (const item of all) showSnapshot(item, cell);
  const kept = all.filter((item) => filters.every((filter) => passes(textAt(item, filter.name), filter)));
  const { entries, nextToken } = cutPage(kept, page);
  put(root, element('snapshotSet', entries));
  if (nextToken !== undefined) put(root, element('nextToken', nextToken));
  return rewritten(root);
};

/** Whether volumes can be made from it yet. */
export function isCompleted(snapshot: SnapshotState): boolean {
  return Date.now() >= snapshot.completedAt;
}

function showSnapshot(item: Element, { state }: Cell): void {
  const snapshot = state.snapshots[textAt(item, 'snapshotId')];
  if (snapshot === undefined || child(item, 'snapshotId') === undefined) return;
  const lasts = Math.max(1, snapshot.completedAt - snapshot.startedAt);
  const percent = Math.floor((100 * (Date.now() - snapshot.startedAt)) / lasts);
  put(item, element('status', isCompleted(snapshot) ? 'completed' : 'pending'));
  put(item, element('progress', `${isCompleted(snapshot) ? 100 : Math.min(99, percent)}%`));
}
