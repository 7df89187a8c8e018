/** Attaching gives the host a block device; detaching takes it away, which waits for as long as the host has it mounted. */
import { textParam, type ApiCall } from '../api-call.ts';
import type { Cell, Handler } from '../cell.ts';
import { ApiError, ec2Reply } from '../reply.ts';
import type { AttachmentState, VolumeState } from '../state.ts';
import { element, items, put, textAt } from '../xml.ts';
import { askMoto, refuseDryRun, rewritten } from './forward.ts';
import { attachmentMembers, isCreating } from './volumes.ts';

export const attachVolume: Handler = async (call, cell) => {
  const volumeId = textParam(call.params, 'VolumeId') ?? '';
  const instanceId = textParam(call.params, 'InstanceId') ?? '';
  const device = textParam(call.params, 'Device') ?? '';
  const volume = cell.state.volumes[volumeId];
  if (volume !== undefined) {
    if (isCreating(volume)) throw new ApiError('IncorrectState', `${volumeId} is not 'available'.`);
    if (volume.attachment !== undefined)
      throw new ApiError('VolumeInUse', `${volumeId} is already attached to an instance`);
  }
  await checkPlace(call, cell, volumeId, instanceId, device);
  refuseDryRun(call);
  const root = await askMoto(call, cell);
  const host = cell.state.instances[instanceId]?.host;
  try {
    if (volume?.backing !== undefined && host !== undefined)
      await cell.hands.attach(volume.backing, host, hostDevice(device));
  } catch (error) {
    await cell.moto.ec2(call.caller, 'DetachVolume', { VolumeId: volumeId, InstanceId: instanceId });
    throw error;
  }
  if (volume !== undefined) {
    volume.attachment = {
      instanceId,
      device,
      attachedAt: Date.now(),
      state: 'attaching',
      force: false,
      deleteOnTermination: false,
    };
    cell.save();
    cell.journal.addEffect('volumeAttached', { volumeId, instanceId, device, host: host ?? null });
  }
  put(root, element('status', 'attaching'));
  put(root, element('deleteOnTermination', 'false'));
  return rewritten(root);
};

/** Refuses another zone, a device in use, and an instance that is gone. Moto refuses unknown ids with the right codes. */
async function checkPlace(
  call: ApiCall,
  cell: Cell,
  volumeId: string,
  instanceId: string,
  device: string,
): Promise<void> {
  const volumes = await cell.moto.ec2(call.caller, 'DescribeVolumes', { 'VolumeId.1': volumeId });
  const described = await cell.moto.ec2(call.caller, 'DescribeInstances', { 'InstanceId.1': instanceId });
  const volume = items(volumes, 'volumeSet')[0];
  const instance = items(described, 'reservationSet').flatMap((reservation) =>
    items(reservation, 'instancesSet'),
  )[0];
  if (volume === undefined || instance === undefined) return;
  const zones = [textAt(volume, 'availabilityZone'), textAt(instance, 'placement', 'availabilityZone')];
  if (zones[0] !== zones[1])
    throw new ApiError(
      'InvalidVolume.ZoneMismatch',
      `The volume '${volumeId}' is not in the same availability zone as instance '${instanceId}'`,
    );
  if (['shutting-down', 'terminated'].includes(textAt(instance, 'instanceState', 'name')))
    throw new ApiError('IncorrectState', `Instance '${instanceId}' is not 'running'.`);
  const inUse = items(instance, 'blockDeviceMapping').map((mapping) => textAt(mapping, 'deviceName'));
  if (inUse.some((other) => hostDevice(other) === hostDevice(device)))
    throw new ApiError(
      'InvalidParameterValue',
      `Invalid value '${device}' for unixDevice. Attachment point ${device} is already in use`,
    );
}

export const detachVolume: Handler = async (call, cell) => {
  const volumeId = textParam(call.params, 'VolumeId') ?? '';
  const instanceId = textParam(call.params, 'InstanceId');
  const volume = cell.state.volumes[volumeId];
  if (volume === undefined) return rewritten(await askMoto(call, cell));
  const { attachment } = volume;
  if (attachment === undefined)
    throw new ApiError('IncorrectState', `Volume '${volumeId}' is in the 'available' state.`);
  const device = textParam(call.params, 'Device');
  if (
    (instanceId !== undefined && instanceId !== attachment.instanceId) ||
    (device !== undefined && device !== attachment.device)
  )
    throw new ApiError(
      'InvalidAttachment.NotFound',
      `The volume '${volumeId}' is not attached to instance '${instanceId}' as '${device}'`,
    );
  const instance = cell.state.instances[attachment.instanceId];
  if (instance?.rootDevice === attachment.device && instance.power !== 'stopped')
    throw new ApiError(
      'OperationNotPermitted',
      `Unable to detach root volume '${volumeId}' from instance '${attachment.instanceId}'`,
    );
  refuseDryRun(call);
  if (textParam(call.params, 'Force') === 'true') attachment.force = true;
  const isNew = attachment.state !== 'detaching';
  attachment.state = 'detaching';
  cell.save();
  if (isNew) finishDetaching(volume, attachment, cell);
  return ec2Reply(call.operation, attachmentMembers(volumeId, attachment, cell));
};

/** Tries until the host lets go of the device; a mounted one is only taken by force. Also called after a restart. */
export function finishDetaching(volume: VolumeState, attachment: AttachmentState, cell: Cell): void {
  const { volumeId } = volume;
  cell.background(`detaching ${volumeId}`, async (signal) => {
    const isOnHost =
      volume.backing !== undefined && cell.state.instances[attachment.instanceId] !== undefined;
    if (isOnHost) {
      while ((await cell.hands.detach(volume.backing, { force: attachment.force })) === 'busy') {
        if (signal.aborted) return;
        await cell.pause(cell.settings.detachRetryMs);
      }
    }
    await cell.moto.ec2(volume.caller, 'DetachVolume', {
      VolumeId: volumeId,
      InstanceId: attachment.instanceId,
    });
    volume.attachment = undefined;
    cell.save();
    cell.journal.addEffect('volumeDetached', {
      volumeId,
      instanceId: attachment.instanceId,
      force: attachment.force,
    });
  });
}

/** A Xen host sees /dev/sdf as /dev/xvdf. */
export function hostDevice(device: string): string {
  return device.replace(/^\/dev\/sd([a-z]\d*)$/, '/dev/xvd$1');
}
