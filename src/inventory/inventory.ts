/** The hosts that belay.yaml names, each with the bastions on the way to it. */
import type { Channel } from '../notify/index.ts';
import type { HostAddress } from '../transports/host.ts';
import type { ApprovalPolicy } from './approvers.ts';
import type { Groups } from './groups.ts';
import type { WrittenHost } from './written-host.ts';

export interface Inventory {
  /** As written, in the order of the file. */
  readonly names: readonly string[];
  /** By name, written out to names of hosts. */
  readonly groups: Groups;
  /** How long after its end an execution can be taken back, in ms. */
  readonly keepMs: number;
  /** How ssh agrees on keys, best first; empty: Belay's own order. */
  readonly keyExchange: readonly string[];
  /** The ways by which people are told. */
  readonly channels: readonly Channel[];
  /** The folder of window files; null: `windows/` beside belay.yaml. */
  readonly windowsFolder: string | null;
  /** Folders in which runbooks that a step names are looked for, behind those beside the caller. */
  readonly runbookFolders: readonly string[];
  /** Whose signatures count; null: an approval is a prompt. */
  readonly approvals: ApprovalPolicy | null;
  /** By name or by instance id: both are the same target. `via` holds every hop, the first one first. */
  address(nameOrInstanceId: string): HostAddress | undefined;
}

/** Of entries without cycles and with known bastions. */
export function makeInventory(
  entries: readonly WrittenHost[],
  rest: Pick<
    Inventory,
    'groups' | 'keepMs' | 'keyExchange' | 'channels' | 'windowsFolder' | 'approvals' | 'runbookFolders'
  >,
): Inventory {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const addresses = new Map<string, HostAddress>();
  for (const entry of entries) {
    const via = hopsOf(entry, byName);
    const address = via.length === 0 ? entry.address : { ...entry.address, via };
    addresses.set(entry.name, address);
    if (address.instanceId !== undefined && !byName.has(address.instanceId)) {
      addresses.set(address.instanceId, address);
    }
  }
  return {
    names: entries.map(({ name }) => name),
    ...rest,
    address: (name) => addresses.get(name),
  };
}

/** The bastions of the bastions come first; one that was passed already is not passed again. */
function hopsOf(entry: WrittenHost, byName: ReadonlyMap<string, WrittenHost>): HostAddress[] {
  const hops = new Map<string, HostAddress>();
  const visit = (host: WrittenHost): void => {
    for (const { name } of host.via) {
      const bastion = byName.get(name);
      if (bastion === undefined || hops.has(name)) continue;
      visit(bastion);
      hops.set(name, bastion.address);
    }
  };
  visit(entry);
  return [...hops.values()];
}
