/** Volumes are real files: made empty or from a snapshot's copy, creating for a moment, then available. */
import { textParam } from '../api-call.ts';
import type { Cell, Handler } from '../cell.ts';
import { once } from '../client-tokens.ts';
import { ApiError } from '../reply.ts';
import type { AttachmentState, VolumeState } from '../state.ts';
import { element, items, put, textAt, type Element } from '../xml.ts';
import { cutPage, passes, splitFilters } from './filters.ts';
import { askMoto, refuseDryRun, rewritten } from './forward.ts';
import { isCompleted } from './snapshots.ts';

export const createVolume: Handler = (call, cell) =>
  once(call, cell, async () => {
    refuseDryRun(call);
    const source = cell.state.snapshots[textParam(call.params, 'SnapshotId') ?? ''];
    if (source !== undefined && !isCompleted(source))
      throw new ApiError(
        'IncorrectState',
        `Snapshot '${source.snapshotId}' is not in the 'completed' state.`,
      );
    const root = await askMoto(call, cell);
    const volumeId = textAt(root, 'volumeId');
    const sizeGiB = Number(textAt(root, 'size'));
    try {
      if (source?.backing === undefined) await cell.hands.createVolume(volumeId, sizeGiB);
      else await cell.hands.createVolumeFromSnapshot(volumeId, source.backing);
    } catch (error) {
      await cell.moto.ec2(call.caller, 'DeleteVolume', { VolumeId: volumeId });
      throw error;
    }
    const availableAt = Date.now() + cell.settings.volumeMs;
    cell.state.volumes[volumeId] = { volumeId, caller: call.caller, backing: volumeId, sizeGiB, availableAt };
    cell.save();
    cell.journal.addEffect('volumeCreated', { volumeId, sizeGiB, snapshotId: source?.snapshotId ?? null });
    showVolume(root, cell);
    return rewritten(root);
  });

export const deleteVolume: Handler = async (call, cell) => {
  refuseDryRun(call);
  const volumeId = textParam(call.params, 'VolumeId') ?? '';
  const volume = cell.state.volumes[volumeId];
  if (volume !== undefined && isCreating(volume))
    throw new ApiError('IncorrectState', `Volume '${volumeId}' is in the 'creating' state.`);
  // Moto knows of the attachment until the volume is really off the host.
  const root = await askMoto(call, cell);
  await dropVolume(volumeId, cell);
  return rewritten(root);
};

/** Removes the file of a volume that moto has deleted. */
export async function dropVolume(volumeId: string, cell: Cell): Promise<void> {
  const volume = cell.state.volumes[volumeId];
  if (volume?.backing !== undefined) {
    await cell.hands.deleteVolume(volume.backing);
    cell.journal.addEffect('volumeDeleted', { volumeId });
  }
  delete cell.state.volumes[volumeId];
  cell.save();
}

const ownFilters = new Map<string, (item: Element) => string>([
  ['status', (item) => textAt(item, 'status')],
  ['attachment.status', (item) => items(item, 'attachmentSet').map((one) => textAt(one, 'status'))[0] ?? ''],
  [
    'attachment.delete-on-termination',
    (item) => items(item, 'attachmentSet').map((one) => textAt(one, 'deleteOnTermination'))[0] ?? '',
  ],
]);

export const describeVolumes: Handler = async (call, cell) => {
  const { forwarded, filters, page } = splitFilters(call, new Set(ownFilters.keys()));
  const root = await askMoto(forwarded, cell);
  const all = items(root, 'volumeSet');
  for (const item of all) showVolume(item, cell);
  const kept = all.filter((item) =>
    filters.every((filter) => passes(ownFilters.get(filter.name)?.(item) ?? '', filter)),
  );
  const { entries, nextToken } = cutPage(kept, page);
  put(root, element('volumeSet', entries));
  if (nextToken !== undefined) put(root, element('nextToken', nextToken));
  return rewritten(root);
};

export function isCreating({ availableAt }: VolumeState): boolean {
  return Date.now() < availableAt;
}

/** `attaching` lasts a moment after the host has the device. */
export function shownAttachmentState({ state, attachedAt }: AttachmentState, cell: Cell): string {
  return state === 'attaching' && Date.now() >= attachedAt + cell.settings.attachMs ? 'attached' : state;
}

function showVolume(item: Element, cell: Cell): void {
  const volume = cell.state.volumes[textAt(item, 'volumeId')];
  if (volume === undefined) return;
  if (isCreating(volume)) put(item, element('status', 'creating'));
  const { attachment } = volume;
  if (attachment === undefined) return;
  // Moto forgets the attachments of a terminated instance before the host has let go of the device.
  put(item, element('status', 'in-use'));
  put(
    item,
    element('attachmentSet', [element('item', attachmentMembers(volume.volumeId, attachment, cell))]),
  );
}

/** An attachment as AttachVolume, DetachVolume and DescribeVolumes show it. */
export function attachmentMembers(volumeId: string, attachment: AttachmentState, cell: Cell): Element[] {
  return [
    element('volumeId', volumeId),
    element('instanceId', attachment.instanceId),
    element('device', attachment.device),
    element('status', shownAttachmentState(attachment, cell)),
    element('attachTime', new Date(attachment.attachedAt).toISOString()),
    element('deleteOnTermination', String(attachment.deleteOnTermination)),
  ];
}
