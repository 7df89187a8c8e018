/** Attaching and detaching volumes, over the time that it takes and with the host in the way. */
import { forgetMount, isMounted, nodeOf } from '../../hosts/devices.ts';
import { durationsMs } from '../../durations.ts';
import { changes, type Operations } from '../operation.ts';
import { AwsRefusal } from '../refusal.ts';
import { findInstance, findVolume } from './find.ts';
import { attachmentReply } from './volumes.ts';

export const attachmentOperations: Operations = {
  AttachVolume: changes(['VolumeId', 'InstanceId', 'Device'], ({ state, params, now }) => {
    const volume = findVolume(state, params.needText('VolumeId'));
    const instance = findInstance(state, params.needText('InstanceId'));
    const device = params.needText('Device');
    if (volume.attachment)
      throw new AwsRefusal('VolumeInUse', `${volume.id} is already attached to an instance`);
    if (volume.state !== 'available')
      throw new AwsRefusal('IncorrectState', `${volume.id} is not 'available'.`);
    if (instance.state !== 'running' && instance.state !== 'stopped')
      throw new AwsRefusal('IncorrectState', `Instance '${instance.id}' is not 'running' or 'stopped'.`);
    if (volume.availabilityZone !== instance.availabilityZone)
      throw new AwsRefusal(
        'InvalidVolume.ZoneMismatch',
        `The volume '${volume.id}' is not in the same availability zone as instance '${instance.id}'`,
      );
    if (!/^\/dev\/(sd[a-z]|xvd[a-z]{1,2})\d*$/.test(device))
      throw new AwsRefusal(
        'InvalidParameterValue',
        `Value (${device}) for parameter device is invalid. ${device} is not a valid EBS device name.`,
      );
    const taken = Object.values(state.volumes).some(
      ({ attachment }) =>
        attachment?.instanceId === instance.id && nodeOf(attachment.device) === nodeOf(device),
    );
    if (taken)
      throw new AwsRefusal(
        'InvalidParameterValue',
        `Invalid value '${device}' for unixDevice. Attachment point ${device} is already in use`,
      );
    volume.state = 'in-use';
    volume.attachment = {
      instanceId: instance.id,
      device,
      state: 'attaching',
      settlesAt: now + durationsMs.attachVolume,
      attachTime: now,
      deleteOnTermination: false,
    };
    return attachmentReply(volume.id, volume.attachment);
  }),

  DetachVolume: changes(['VolumeId', 'InstanceId', 'Device', 'Force'], ({ state, params, now }) => {
    const volume = findVolume(state, params.needText('VolumeId'));
    const { attachment } = volume;
    if (!attachment)
      throw new AwsRefusal('IncorrectState', `Volume '${volume.id}' is in the '${volume.state}' state.`);
    const wantedInstance = params.text('InstanceId') ?? attachment.instanceId;
    const wantedDevice = params.text('Device') ?? attachment.device;
    const instance = findInstance(state, wantedInstance);
    if (wantedInstance !== attachment.instanceId || wantedDevice !== attachment.device)
      throw new AwsRefusal(
        'InvalidAttachment.NotFound',
        `The volume '${volume.id}' is not attached to instance '${wantedInstance}' as device '${wantedDevice}'.`,
      );
    if (attachment.device === instance.rootDeviceName && instance.state !== 'stopped')
      throw new AwsRefusal(
        'OperationNotPermitted',
        `Unable to detach root volume '${volume.id}' from instance '${instance.id}'`,
      );
    if (params.flag('Force')) dropMounts(volume.id);
    attachment.state = isMounted(state, volume.id) ? 'busy' : 'detaching';
    attachment.settlesAt = now + durationsMs.detachVolume;
    return { ...attachmentReply(volume.id, attachment), State: 'detaching' };

    /** The disk is torn away from under the file system; whatever was not written is lost. */
    function dropMounts(volumeId: string): void {
      for (const host of Object.values(state.hosts)) {
        for (const [point, mount] of Object.entries(host.mounts)) {
          if (mount.volumeId === volumeId) forgetMount(state, host, point);
        }
      }
    }
  }),
};
