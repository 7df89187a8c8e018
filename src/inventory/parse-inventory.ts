/** belay.yaml → Inventory, or everything that is wrong with it. */
import {
  checkKeys,
  makeReport,
  readMap,
  readText,
  readTexts,
  readTree,
  type Diagnostic,
  type Entry,
  type MapReader,
  type Report,
  type SourceText,
  type TreeNode,
} from '../document/index.ts';
import { readApprovals, type ApprovalPolicy } from './approvers.ts';
import { oncePerPlace, reportInventory } from './errors.ts';
import { expandHosts } from './expand-hosts.ts';
import { readGroups, type Groups } from './groups.ts';
import { readHost, type WrittenHost } from './written-host.ts';
import { readChannels, type Channel } from '../notify/index.ts';
import { keepMsDefault, readKeep } from './keep.ts';
import { readKeyExchange } from './key-exchange.ts';
import { makeInventory, type Inventory } from './inventory.ts';

export interface InventoryOptions {
  /** Makes paths of the file absolute: relative ones to its folder, `~` to the home. Default: paths stay as written. */
  readonly resolvePath?: (path: string) => string;
}

export interface ParsedInventory {
  /** Present when no diagnostic is an error. */
  readonly inventory?: Inventory;
  readonly diagnostics: readonly Diagnostic[];
}

export function parseInventory(source: SourceText, options: InventoryOptions = {}): ParsedInventory {
  const report = oncePerPlace(makeReport(source));
  const root = readTree(source, report);
  const { hosts, ...rest } = root === undefined ? nothing : readEntries(root, options, report);
  const diagnostics = report.finish();
  return report.hasErrors ? { diagnostics } : { inventory: makeInventory(hosts, rest), diagnostics };
}

interface Entries {
  readonly hosts: readonly WrittenHost[];
  readonly groups: Groups;
  readonly keepMs: number;
  readonly keyExchange: readonly string[];
  readonly channels: readonly Channel[];
  readonly windowsFolder: string | null;
  readonly approvals: ApprovalPolicy | null;
  readonly runbookFolders: readonly string[];
}

const nothing: Entries = {
  hosts: [],
  groups: new Map(),
  keepMs: keepMsDefault,
  keyExchange: [],
  channels: [],
  windowsFolder: null,
  approvals: null,
  runbookFolders: [],
};

function readEntries(root: TreeNode, options: InventoryOptions, report: Report): Entries {
  if (root.kind === 'scalar' && root.value === null) return nothing;
  if (root.kind !== 'map') {
    const at = { start: root.span.start, end: root.span.start };
    report.error('NOT_A_MAP', at, 'belay.yaml is a map of keys', 'hosts: { db1: { address: 10.0.0.5 } }');
    return nothing;
  }
  const reader: MapReader = { node: root, what: 'belay.yaml', report };
  checkKeys(reader, [
    'keep',
    'hosts',
    'groups',
    'windows',
    'notify',
    'approvers',
    'approvals',
    'runbooks',
    'keyExchange',
  ]);
  const resolvePath = options.resolvePath ?? ((path: string) => path);
  const hosts: WrittenHost[] = [];
  for (const entry of expandHosts(readMap(reader, 'hosts')?.value.entries.values() ?? [], report)) {
    const host = readHost(entry, resolvePath, report);
    if (host !== undefined) hosts.push(host);
  }
  checkInstances(hosts, report);
  checkBastions(hosts, report);
  const groups = readGroups(
    readMap(reader, 'groups')?.value.entries ?? new Map<string, Entry>(),
    hosts,
    report,
  );
  const windows = readText(reader, 'windows');
  return {
    hosts,
    groups,
    keepMs: readKeep(reader),
    keyExchange: readKeyExchange(reader),
    channels: readChannels(reader, { resolvePath }),
    windowsFolder: windows === undefined ? null : resolvePath(windows),
    approvals: readApprovals(reader, resolvePath),
    runbookFolders: readTexts(reader, 'runbooks').map((path) => resolvePath(path)),
  };
}

/** A name and its instance id are one target, so neither may mean two. */
function checkInstances(entries: readonly WrittenHost[], report: Report): void {
  const owners = new Map<string, string>(entries.map(({ name }) => [name, name]));
  for (const { name, address, instanceSpan } of entries) {
    if (address.instanceId === undefined) continue;
    const owner = owners.get(address.instanceId);
    if (owner === undefined) owners.set(address.instanceId, name);
    else if (owner !== name) {
      const message = `instance ${address.instanceId} is host ${owner} already, and one instance is one host`;
      reportInventory(report, 'DUPLICATE_INSTANCE', instanceSpan, message);
    }
  }
}

function checkBastions(entries: readonly WrittenHost[], report: Report): void {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  for (const host of entries) {
    for (const { name, span } of host.via) {
      const bastion = byName.get(name);
      if (bastion === undefined) {
        const message = `host ${host.name} is reached via ${name}, which is not a host of belay.yaml`;
        reportInventory(report, 'UNKNOWN_BASTION', span, message, report.suggest(name, [...byName.keys()]));
      } else if (bastion.address.transport !== 'ssh') {
        const message = `host ${host.name} is reached via ${name}, whose transport is ${bastion.address.transport}, not ssh`;
        reportInventory(report, 'BASTION_TRANSPORT', span, message);
      }
    }
  }
  reportCycles(entries, byName, report);
}

/** Each circle once, at the via that closes it. */
function reportCycles(
  entries: readonly WrittenHost[],
  byName: ReadonlyMap<string, WrittenHost>,
  report: Report,
): void {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (host: WrittenHost): void => {
    path.push(host.name);
    for (const { name, span } of host.via) {
      const start = path.indexOf(name);
      if (start !== -1) {
        const circle = [...path.slice(start), name].join(' → ');
        reportInventory(report, 'VIA_CYCLE', span, `these hosts are reached through each other: ${circle}`);
        continue;
      }
      const bastion = byName.get(name);
      if (bastion !== undefined && !done.has(name)) visit(bastion);
    }
    path.pop();
    done.add(host.name);
  };
  for (const entry of entries) if (!done.has(entry.name)) visit(entry);
}
