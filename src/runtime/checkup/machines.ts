/** What the hosts said of themselves: names that are one machine, and instances that belay.yaml names and nobody could confirm. */
import type { HostAddress, HostIdentity } from '../../transports/host.ts';
import type { Finding } from './finding.ts';

export interface Answered {
  readonly address: HostAddress;
  readonly identity: HostIdentity;
}

export function checkMachines(answers: readonly Answered[]): Finding[] {
  return [...sharedMachines(answers), ...answers.flatMap(unconfirmed)];
}

/** Cloned machines may share a machine-id, and containers a boot; one machine has both and one process namespace. */
function sharedMachines(answers: readonly Answered[]): Finding[] {
  const names = new Map<string, string[]>();
  for (const { address, identity } of answers) {
    const { machineId, bootId, space } = identity;
    if (machineId === null || bootId === null) continue;
    const key = JSON.stringify([machineId, bootId, space]);
    names.set(key, [...(names.get(key) ?? []), address.name]);
  }
  return [...names.values()]
    .filter((group) => group.length > 1)
    .map((group) => ({
      area: 'hosts',
      what: group.join(', '),
      verdict: 'note',
      says: `${listText(group)} are one machine: they answer with the same machine-id and boot`,
      hint: 'what is done to one is done to the others; where they should be several, look at their addresses in belay.yaml',
    }));
}

function unconfirmed({ address: { name, instanceId }, identity }: Answered): Finding[] {
  if (instanceId === undefined || identity.instanceId !== null) return [];
  return [
    {
      area: 'hosts',
      what: name,
      verdict: 'note',
      says: `that it is ${instanceId} is not confirmed: the host does not show its instance id`,
    },
  ];
}

function listText(names: readonly string[]): string {
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
