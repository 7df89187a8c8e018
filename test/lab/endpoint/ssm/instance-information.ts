/** DescribeInstanceInformation: the managed instances, and whether their agents still ask for work. */
import type { JsonObject } from '../../../../src/json.ts';
import { listParam, objectsParam, textParam } from '../api-call.ts';
import type { Cell, Handler } from '../cell.ts';
import { ApiError, jsonReply } from '../reply.ts';
import type { InstanceState } from '../state.ts';
import { paged } from './commands.ts';

export const describeInstanceInformation: Handler = (call, cell) => {
  const filters = [
    ...objectsParam(call.params, 'Filters').map((filter) => ({
      key: textParam(filter, 'Key') ?? '',
      values: listParam(filter, 'Values'),
    })),
    ...objectsParam(call.params, 'InstanceInformationFilterList').map((filter) => ({
      key: textParam(filter, 'key') ?? '',
      values: listParam(filter, 'valueSet'),
    })),
  ];
  const known = Object.values(cell.state.instances)
    .filter(
      ({ caller, agentSeenAt, power }) =>
        caller.region === call.caller.region && agentSeenAt > 0 && power !== 'terminated',
    )
    .map((instance) => describe(instance, cell))
    .filter((information) =>
      filters.every(({ key, values }) => {
        const member = key === 'InstanceIds' ? 'InstanceId' : key;
        if (!(member in information))
          throw new ApiError('InvalidFilterKey', `The filter key ${key} is not valid.`);
        return values.includes(textParam(information, member) ?? '');
      }),
    );
  const { entries, next } = paged(known, call.params);
  return Promise.resolve(jsonReply({ InstanceInformationList: entries, ...next }));
};

function describe(
  { instanceId, host, agentSeenAt, agentVersion, platform, power }: InstanceState,
  cell: Cell,
): JsonObject {
  const isOnline = power === 'running' && Date.now() - agentSeenAt < cell.settings.agentLostMs;
  return {
    InstanceId: instanceId,
    PingStatus: isOnline ? 'Online' : 'ConnectionLost',
    LastPingDateTime: agentSeenAt / 1000,
    AgentVersion: agentVersion,
    IsLatestVersion: true,
    PlatformType: 'Linux',
    PlatformName: platform.name,
    PlatformVersion: platform.version,
    ResourceType: 'EC2Instance',
    IPAddress: cell.hands.address(host),
    ComputerName: platform.computerName,
  };
}
