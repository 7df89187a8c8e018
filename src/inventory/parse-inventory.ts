/** belay.yaml → Inventory, or everything that is wrong with it. */
import {
  checkKeys,
  makeReport,
  readMap,
  readTree,
  type Diagnostic,
  type MapReader,
  type Report,
  type SourceText,
  type TreeNode,
} from '../document/index.ts';
import { readHost, reportInventory, type HostEntry } from './host-entry.ts';
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
  const report = makeReport(source);
  const root = readTree(source, report);
  const entries = root === undefined ? [] : readHosts(root, options, report);
  const diagnostics = report.finish();
  return report.hasErrors ? { diagnostics } : { inventory: makeInventory(entries), diagnostics };
}

function readHosts(root: TreeNode, options: InventoryOptions, report: Report): HostEntry[] {
  if (root.kind === 'scalar' && root.value === null) return [];
  if (root.kind !== 'map') {
    const at = { start: root.span.start, end: root.span.start };
    report.error('NOT_A_MAP', at, 'belay.yaml is a map of keys', 'hosts: { db1: { address: 10.0.0.5 } }');
    return [];
  }
  const reader: MapReader = { node: root, what: 'belay.yaml', report };
  checkKeys(reader, ['hosts']);
  const resolvePath = options.resolvePath ?? ((path: string) => path);
  const entries: HostEntry[] = [];
  for (const entry of readMap(reader, 'hosts')?.value.entries.values() ?? []) {
    const host = readHost(entry, resolvePath, report);
    if (host !== undefined) entries.push(host);
  }
  checkInstances(entries, report);
  checkBastions(entries, report);
  return entries;
}

/** A name and its instance id are one target, so neither may mean two. */
function checkInstances(entries: readonly HostEntry[], report: Report): void {
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

function checkBastions(entries: readonly HostEntry[], report: Report): void {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  for (const host of entries) {
    for (const { name, span } of host.via) {
      const bastion = byName.get(name);
      if (bastion === undefined) {
        const message = `host ${host.name} is reached via ${name}, which is no host of belay.yaml`;
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
  entries: readonly HostEntry[],
  byName: ReadonlyMap<string, HostEntry>,
  report: Report,
): void {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (host: HostEntry): void => {
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
