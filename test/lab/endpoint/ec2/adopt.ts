/** Making a lab host an instance: moto gets an instance with the host's address, tags and volumes; the host gets the agent. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Caller } from '../api-call.ts';
import type { Cell } from '../cell.ts';
import { items, textAt } from '../xml.ts';

export interface Adoption {
  readonly region: string;
  readonly zone: string;
  readonly instanceType: string;
  readonly tags: Readonly<Record<string, string>>;
  /** How EC2 names data devices: `/dev/sdf` (as most do) or `/dev/xvdf` (as the host does). */
  readonly deviceNaming: 'sd' | 'xvd';
  /** Whether the agent is installed; without it the instance is not managed by SSM. */
  readonly agent: boolean;
  readonly keyName?: string;
  /** Whether EC2 says that its volumes are encrypted. */
  readonly isEncrypted?: boolean;
}

const rootSizeGiB = 8;
const agentTimeoutMs = 30_000;

/** Adopts a running host and returns its instance id. A host that has been adopted keeps its id. */
export async function adopt(host: string, adoption: Adoption, port: number, cell: Cell): Promise<string> {
  const known = Object.values(cell.state.instances).find(
    (instance) => instance.host === host && instance.power !== 'terminated',
  );
  if (known !== undefined) return known.instanceId;
  const caller: Caller = { accessKey: 'lab', region: adoption.region };
  const { instanceId, rootVolumeId, rootDevice } = await launch(host, adoption, caller, cell);
  const volumes = await cell.hands.volumes(host);
  const root = await cell.hands.rootVolume?.(host);
  const now = Date.now();
  cell.state.instances[instanceId] = {
    instanceId,
    host,
    caller,
    power: 'running',
    bootedAt: now,
    wasHealthy: false,
    agentSeenAt: 0,
    agentVersion: '',
    platform: { name: '', version: '', computerName: host },
    ...(root === undefined ? {} : { rootDevice }),
    mounts: Object.fromEntries(
      volumes.flatMap(({ mount, device }) => (mount === undefined ? [] : [[mount, device]])),
    ),
  };
  cell.state.volumes[rootVolumeId] = {
    volumeId: rootVolumeId,
    caller,
    ...(root === undefined ? {} : { backing: root }),
    sizeGiB: rootSizeGiB,
    availableAt: 0,
    attachment: {
      instanceId,
      device: rootDevice,
      attachedAt: now,
      state: 'attached',
      force: false,
      deleteOnTermination: true,
    },
  };
  for (const { volume, device, sizeGiB, mount } of volumes) {
    const shown = adoption.deviceNaming === 'sd' ? device.replace('/dev/xvd', '/dev/sd') : device;
    const name = mount === undefined ? `${host} ${device}` : `${host} ${mount}`;
    const made = await cell.moto.ec2(caller, 'CreateVolume', {
      Size: String(sizeGiB),
      AvailabilityZone: adoption.zone,
      VolumeType: 'gp3',
      Encrypted: String(adoption.isEncrypted ?? false),
      ...tagForm('volume', { Name: name, ...(mount === undefined ? {} : { 'lab:mount': mount }) }),
    });
    const volumeId = textAt(made, 'volumeId');
    await cell.moto.ec2(caller, 'AttachVolume', {
      VolumeId: volumeId,
      InstanceId: instanceId,
      Device: shown,
    });
    cell.state.volumes[volumeId] = {
      volumeId,
      caller,
      backing: volume,
      sizeGiB,
      availableAt: 0,
      attachment: {
        instanceId,
        device: shown,
        attachedAt: now,
        state: 'attached',
        force: false,
        deleteOnTermination: false,
      },
    };
  }
  cell.save();
  if (adoption.agent) await startAgent(host, instanceId, adoption.region, port, cell);
  return instanceId;
}

async function launch(
  host: string,
  { zone, instanceType, tags, keyName, isEncrypted = false }: Adoption,
  caller: Caller,
  cell: Cell,
): Promise<{ instanceId: string; rootVolumeId: string; rootDevice: string }> {
  const images = await cell.moto.ec2(caller, 'DescribeImages', {
    'Filter.1.Name': 'name',
    'Filter.1.Value.1': '*amzn2*',
  });
  const image = items(images, 'imagesSet')[0];
  if (image === undefined) throw new Error('moto has no Amazon Linux image to launch from');
  const rootDevice = textAt(image, 'rootDeviceName');
  const run = await cell.moto.ec2(caller, 'RunInstances', {
    ImageId: textAt(image, 'imageId'),
    MinCount: '1',
    MaxCount: '1',
    InstanceType: instanceType,
    PrivateIpAddress: cell.hands.address(host),
    'Placement.AvailabilityZone': zone,
    'BlockDeviceMapping.1.DeviceName': rootDevice,
    'BlockDeviceMapping.1.Ebs.VolumeSize': String(rootSizeGiB),
    'BlockDeviceMapping.1.Ebs.DeleteOnTermination': 'true',
    'BlockDeviceMapping.1.Ebs.Encrypted': String(isEncrypted),
    ...(keyName === undefined ? {} : { KeyName: keyName }),
    ...tagForm('instance', { Name: host, 'lab:host': host, ...tags }),
  });
  const instance = items(run, 'instancesSet')[0];
  const root = instance === undefined ? undefined : items(instance, 'blockDeviceMapping')[0];
  if (instance === undefined || root === undefined) throw new Error(`moto ran no instance for ${host}`);
  return {
    instanceId: textAt(instance, 'instanceId'),
    rootVolumeId: textAt(root, 'ebs', 'volumeId'),
    rootDevice,
  };
}

function tagForm(resource: string, tags: Readonly<Record<string, string>>): Record<string, string> {
  const form: Record<string, string> = { 'TagSpecification.1.ResourceType': resource };
  Object.entries(tags).forEach(([key, value], index) => {
    form[`TagSpecification.1.Tag.${index + 1}.Key`] = key;
    form[`TagSpecification.1.Tag.${index + 1}.Value`] = value;
  });
  return form;
}

/** Installs the agent and waits until it asks for work. */
async function startAgent(
  host: string,
  instanceId: string,
  region: string,
  port: number,
  cell: Cell,
): Promise<void> {
  await cell.hands.installAgent(host, { instanceId, region, port });
  const giveUpAt = Date.now() + agentTimeoutMs;
  while (cell.state.instances[instanceId]?.agentSeenAt === 0) {
    await delay(20);
    if (Date.now() > giveUpAt)
      throw new Error(`the agent on ${host} did not reach 127.0.0.1:${port} in ${agentTimeoutMs} ms`);
  }
}
