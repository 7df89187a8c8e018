/** Instances: listed, started, stopped, rebooted, terminated. Launching is in launch.ts. */
import type { JsonObject } from '../../../json.ts';
import { durationsMs } from '../../durations.ts';
import { haltHost } from '../../hosts/power.ts';
import type { Instance, WorldState } from '../../state.ts';
import { changes, iso, reads, type Operations } from '../operation.ts';
import { AwsRefusal } from '../refusal.ts';
import { page } from '../page.ts';
import { missing, type Params } from '../params.ts';
import { passes } from './filters.ts';
import { findInstance } from './find.ts';
import { tagList, tagsOf } from './tags.ts';

const stateCodes = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
} as const;

export const instanceOperations: Operations = {
  DescribeInstances: reads(['InstanceIds', 'Filters', 'MaxResults', 'NextToken'], ({ state, params }) =>
    page(
      params,
      'Reservations',
      selected(state, params).map((instance) => reservationReply(state, instance, [instance])),
    ),
  ),

  TerminateInstances: changes(['InstanceIds'], ({ state, params, now }) => ({
    TerminatingInstances: named(state, params).map((instance) =>
      passing(instance, () => {
        if (instance.state === 'shutting-down' || instance.state === 'terminated') return;
        instance.state = 'shutting-down';
        instance.stateReason = 'Client.UserInitiatedShutdown: User initiated shutdown';
        instance.settlesAt = now + durationsMs.terminateInstance;
        haltHost(state, instance.id, now);
      }),
    ),
  })),

  DescribeInstanceStatus: reads(
    ['InstanceIds', 'Filters', 'IncludeAllInstances', 'MaxResults', 'NextToken'],
    ({ state, params }) => {
      const listed = selected(state, params).filter(
        (instance) => params.flag('IncludeAllInstances') || instance.state === 'running',
      );
      return page(params, 'InstanceStatuses', listed.map(statusOf));
    },
  ),

  StartInstances: changes(['InstanceIds'], ({ state, params, now }) => ({
    StartingInstances: named(state, params).map((instance) => {
      if (instance.state === 'stopping' || isEnding(instance))
        throw new AwsRefusal(
          'IncorrectInstanceState',
          `The instance '${instance.id}' is not in a state from which it can be started.`,
        );
      return passing(instance, () => {
        if (instance.state !== 'stopped') return;
        if (!hasRoot(state, instance))
          throw new AwsRefusal(
            'IncorrectInstanceState',
            `Instance '${instance.id}' does not have a volume attached at root (${instance.rootDeviceName})`,
          );
        instance.state = 'pending';
        instance.settlesAt = now + durationsMs.startInstance;
        instance.launchTime = now;
      });
    }),
  })),

  StopInstances: changes(['InstanceIds', 'Force'], ({ state, params, now }) => ({
    StoppingInstances: named(state, params).map((instance) => {
      if (instance.state === 'pending' || isEnding(instance))
        throw new AwsRefusal(
          'IncorrectInstanceState',
          `The instance '${instance.id}' is not in a state from which it can be stopped.`,
        );
      return passing(instance, () => {
        if (instance.state !== 'running') return;
        instance.state = 'stopping';
        instance.settlesAt = now + durationsMs.stopInstance;
        haltHost(state, instance.id, now);
      });
    }),
  })),

  RebootInstances: changes(['InstanceIds'], ({ state, params, now }) => {
    for (const instance of named(state, params)) {
      if (instance.state !== 'running')
        throw new AwsRefusal(
          'IncorrectState',
          `The instance '${instance.id}' is not in a state from which it can be rebooted.`,
        );
      haltHost(state, instance.id, now);
      // It stays `running` all the while; the host answers again when this has passed.
      instance.settlesAt = now + durationsMs.startInstance;
    }
    return {};
  }),

  ModifyInstanceAttribute: changes(['InstanceId', 'BlockDeviceMappings'], ({ state, params }) => {
    const instance = findInstance(state, params.needText('InstanceId'));
    for (const mapping of params.objects('BlockDeviceMappings')) {
      mapping.onlyKnows(['DeviceName', 'Ebs'], 'BlockDeviceMappings[].');
      const device = mapping.needText('DeviceName');
      const volume = Object.values(state.volumes).find(
        ({ attachment }) => attachment?.instanceId === instance.id && attachment.device === device,
      );
      if (!volume?.attachment)
        throw new AwsRefusal('InvalidInstanceAttributeValue', `No device is currently mapped at ${device}`);
      const ebs = mapping.object('Ebs');
      ebs?.onlyKnows(['DeleteOnTermination', 'VolumeId'], 'BlockDeviceMappings[].Ebs.');
      const deletes = ebs?.maybeFlag('DeleteOnTermination');
      if (deletes !== undefined) volume.attachment.deleteOnTermination = deletes;
    }
    return {};
  }),
};

function isEnding({ state }: Instance): boolean {
  return state === 'shutting-down' || state === 'terminated';
}

/** As RunInstances and DescribeInstances give what was launched together. */
export function reservationReply(
  state: WorldState,
  { id, reservationId }: Instance,
  instances: readonly Instance[],
): JsonObject {
  return {
    ReservationId: reservationId ?? `r-${id.slice('i-'.length)}`,
    OwnerId: state.account,
    Groups: [],
    Instances: instances.map((instance) => replyOf(state, instance)),
  };
}

function selected(state: WorldState, params: Params): Instance[] {
  const ids = params.texts('InstanceIds');
  const candidates =
    ids.length > 0 ? ids.map((id) => findInstance(state, id)) : Object.values(state.instances);
  return candidates.filter((instance) =>
    passes(params, tagsOf(state, instance.id), (filter) => facts(state, instance)[filter]),
  );
}

function named(state: WorldState, params: Params): Instance[] {
  const ids = params.texts('InstanceIds');
  if (ids.length === 0) throw missing('InstanceId');
  return ids.map((id) => findInstance(state, id));
}

/** Makes the change and says from which state to which it led. */
function passing(instance: Instance, change: () => void): JsonObject {
  const previous = stateOf(instance);
  change();
  return { InstanceId: instance.id, PreviousState: previous, CurrentState: stateOf(instance) };
}

function stateOf({ state }: Instance): JsonObject {
  return { Code: stateCodes[state], Name: state };
}

function hasRoot(state: WorldState, instance: Instance): boolean {
  return Object.values(state.volumes).some(
    ({ attachment }) =>
      attachment?.instanceId === instance.id && attachment.device === instance.rootDeviceName,
  );
}

function statusOf(instance: Instance): JsonObject {
  const isUp = instance.state === 'running' && instance.settlesAt === null;
  const summary = {
    Status: isUp ? 'ok' : instance.state === 'running' ? 'initializing' : 'not-applicable',
    Details: isUp ? [{ Name: 'reachability', Status: 'passed' }] : [],
  };
  return {
    InstanceId: instance.id,
    AvailabilityZone: instance.availabilityZone,
    InstanceState: stateOf(instance),
    InstanceStatus: summary,
    SystemStatus: summary,
    Events: [],
  };
}

function facts(state: WorldState, instance: Instance): Record<string, readonly string[]> {
  const devices = Object.values(state.volumes).filter(
    ({ attachment }) => attachment?.instanceId === instance.id,
  );
  return {
    'instance-id': [instance.id],
    'instance-state-name': [instance.state],
    'instance-state-code': [String(stateCodes[instance.state])],
    'instance-type': [instance.instanceType],
    'availability-zone': [instance.availabilityZone],
    'image-id': [instance.imageId],
    'private-ip-address': [instance.privateIpAddress],
    'subnet-id': [instance.subnetId],
    'vpc-id': [instance.vpcId],
    'root-device-name': [instance.rootDeviceName],
    'root-device-type': ['ebs'],
    'reservation-id': [instance.reservationId ?? ''],
    'block-device-mapping.volume-id': devices.map(({ id }) => id),
    'block-device-mapping.device-name': devices.map(({ attachment }) => attachment?.device ?? ''),
  };
}

function replyOf(state: WorldState, instance: Instance): JsonObject {
  const devices = Object.values(state.volumes).flatMap(({ id, attachment }) =>
    attachment?.instanceId === instance.id ? [{ id, attachment }] : [],
  );
  devices.sort((a, b) => a.attachment.device.localeCompare(b.attachment.device));
  return {
    InstanceId: instance.id,
    ImageId: instance.imageId,
    InstanceType: instance.instanceType,
    LaunchTime: iso(instance.launchTime),
    Placement: { AvailabilityZone: instance.availabilityZone, GroupName: '', Tenancy: 'default' },
    PrivateIpAddress: instance.privateIpAddress,
    State: stateOf(instance),
    ...(instance.stateReason === undefined
      ? {}
      : { StateReason: { Code: 'Client.UserInitiatedShutdown', Message: instance.stateReason } }),
    SubnetId: instance.subnetId,
    VpcId: instance.vpcId,
    Architecture: 'x86_64',
    RootDeviceName: instance.rootDeviceName,
    RootDeviceType: 'ebs',
    BlockDeviceMappings: devices.map(({ id, attachment }) => ({
      DeviceName: attachment.device,
      Ebs: {
        VolumeId: id,
        // An attachment that is busy shows as detaching here.
        Status: attachment.state === 'busy' ? 'detaching' : attachment.state,
        AttachTime: iso(attachment.attachTime),
        DeleteOnTermination: attachment.deleteOnTermination,
      },
    })),
    Tags: tagList(state, instance.id),
  };
}
