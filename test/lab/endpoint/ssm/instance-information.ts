/** DescribeInstanceInformation: the managed instances, and whether their agents still ask for work. */
import type { JsonObject } from '../../../../src/json.ts';
import { listParam, objectsParam, textParam } from '../api-call.ts';
import type { Cell, Handler } from '../cell.ts';
import { ApiError, jsonReply } from '../reply.ts';
import type { InstanceState } from '../state.ts';
import { paged } from './commands.ts';
import { matchingInstances } from './targets.ts';

export const describeInstanceInformation: Handler = async (call, cell) => {
  let known = Object.values(cell.state.instances)
    .filter(
      ({ caller, agentSeenAt, power }) =>
        caller.region === call.caller.region && agentSeenAt > 0 && power !== 'terminated',
    )
    .map((instance) => describe(instance, cell));
  const older = objectsParam(call.params, 'InstanceInformationFilterList').map((filter) => ({
    Key: textParam(filter, 'key') ?? '',
    Values: listParam(filter, 'valueSet'),
  }));
  for (const filter of [...objectsParam(call.params, 'Filters'), ...older]) {
    const key = textParam(filter, 'Key') ?? '';
    if (key.startsWith('tag')) {
      const tagged = await matchingInstances(filter, call, cell);
      known = known.filter((information) => tagged.includes(textParam(information, 'InstanceId') ?? ''));
      continue;
    }
    const member = key === 'InstanceIds' ? 'InstanceId' : key;
    if (!filterable.has(member))
      throw new ApiError('InvalidFilterKey', `The filter key ${key} is not valid.`);
    const values = listParam(filter, 'Values');
    known = known.filter((information) => values.includes(textParam(information, member) ?? ''));
  }
  const { entries, next } = paged(known, call.params);
  return jsonReply({ InstanceInformationList: entries, ...next });
};

const filterable = new Set(['InstanceId', 'AgentVersion', 'PingStatus', 'PlatformType', 'ResourceType']);

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
