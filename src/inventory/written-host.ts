/** One host of belay.yaml as written: keys, types and values, before bastions are looked up. */
import {
  checkKeys,
  entryOf,
  integerOf,
  quoteHint,
  readMap,
  readText,
  readWord,
  wrongType,
  type Entry,
  type MapNode,
  type MapReader,
  type Report,
  type Span,
} from '../document/index.ts';
import type { HostAddress } from '../transports/host.ts';
import { readAddress, readPath, readUser, type Reading } from './host-address.ts';
import { reportInventory } from './errors.ts';

export interface WrittenHost {
  readonly name: string;
  readonly keySpan: Span;
  /** Without `via`. */
  readonly address: HostAddress;
  readonly via: readonly Bastion[];
  readonly instanceSpan: Span;
}

export interface Bastion {
  readonly name: string;
  readonly span: Span;
}

const hostKeys = [
  'transport',
  'address',
  'port',
  'user',
  'identityFile',
  'knownHostsFile',
  'via',
  'become',
  'instanceId',
  'machineId',
  'tags',
];
const sshKeys = ['address', 'port', 'user', 'identityFile', 'knownHostsFile', 'via'];
const portMax = 65_535;

/** Names and addresses become arguments of ssh; none may look like an option or bring a second word. */
export const namePattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
const instancePattern = /^m?i-[0-9a-f]{8,17}$/;
const machinePattern = /^[0-9a-f]{32}$/;

export function readHost(
  { key: name, keySpan, value }: Entry,
  resolvePath: (path: string) => string,
  report: Report,
): WrittenHost | undefined {
  if (!namePattern.test(name)) {
    const message = `a host is named with letters, digits, dots, dashes and underscores, not ${JSON.stringify(name)}`;
    reportInventory(report, 'HOST_NAME', keySpan, message);
  }
  if (value.kind === 'list' || (value.kind === 'scalar' && value.value !== null)) {
    report.error('WRONG_TYPE', keySpan, `host ${name} must be a map`, `${name}: { address: … }`);
    return undefined;
  }
  const node: MapNode = value.kind === 'map' ? value : { kind: 'map', entries: new Map(), span: keySpan };
  const reader: MapReader = { node, what: `host ${name}`, report };
  checkKeys(reader, hostKeys);
  const transport = readTransport(reader);
  const address = readBy(reader, 'address', readAddress);
  const user = readBy(reader, 'user', readUser);
  const instanceId = readMatching(
    reader,
    'instanceId',
    instancePattern,
    'an instance id, as i-0123456789abcdef0',
  );
  const machineId = readMatching(
    reader,
    'machineId',
    machinePattern,
    'a machine-id, the 32 hex digits of /etc/machine-id',
  );
  const identityFile = readBy(reader, 'identityFile', readPath);
  const knownHostsFile = readBy(reader, 'knownHostsFile', readPath);
  const port = readPort(reader);
  checkTransportKeys(reader, name, transport, keySpan, report);
  return {
    name,
    keySpan,
    address: {
      name,
      transport,
      ...(address === undefined ? {} : { address }),
      ...(port === undefined ? {} : { port }),
      ...(user === undefined ? {} : { user }),
      ...(identityFile === undefined ? {} : { identityFile: resolvePath(identityFile) }),
      ...(knownHostsFile === undefined ? {} : { knownHostsFile: resolvePath(knownHostsFile) }),
      become: readWord(reader, 'become', ['none', 'sudo'] as const) ?? 'none',
      ...(instanceId === undefined ? {} : { instanceId }),
      ...(machineId === undefined ? {} : { machineId }),
      tags: readTags(reader),
    },
    via: readVia(reader),
    instanceSpan: node.entries.get('instanceId')?.value.span ?? keySpan,
  };
}

/** ssh, unless all that is known of the host is its instance id. */
function readTransport(reader: MapReader): HostAddress['transport'] {
  const given = readWord(reader, 'transport', ['ssh', 'ssm', 'local'] as const);
  if (given !== undefined) return given;
  const hasOnlyInstance =
    entryOf(reader, 'instanceId') !== undefined && sshKeys.every((key) => entryOf(reader, key) === undefined);
  return hasOnlyInstance ? 'ssm' : 'ssh';
}

function checkTransportKeys(
  reader: MapReader,
  name: string,
  transport: HostAddress['transport'],
  keySpan: Span,
  report: Report,
): void {
  if (transport === 'ssm' && entryOf(reader, 'instanceId') === undefined) {
    const message = `host ${name} has transport ssm, which needs an instanceId`;
    reportInventory(report, 'MISSING_INSTANCE', keySpan, message);
  }
  if (transport === 'ssh') return;
  // What is reached over SSM is named by its instance id, and is never asked for another name.
  for (const key of transport === 'ssm' ? [...sshKeys, 'machineId'] : sshKeys) {
    const entry = entryOf(reader, key);
    if (entry === undefined) continue;
    const message = `${key} of host ${name} means nothing with transport ${transport}`;
    reportInventory(report, 'KEY_FOR_OTHER_TRANSPORT', entry.keySpan, message);
  }
}

function readMatching(reader: MapReader, key: string, pattern: RegExp, wanted: string): string | undefined {
  const text = readText(reader, key);
  const entry = entryOf(reader, key);
  if (text === undefined || entry === undefined || pattern.test(text)) return text;
  wrongType(reader, entry, wanted);
  return undefined;
}

function readBy(reader: MapReader, key: string, read: (text: string) => Reading): string | undefined {
  const text = readText(reader, key);
  const entry = entryOf(reader, key);
  if (text === undefined || entry === undefined) return undefined;
  const reading = read(text);
  if ('value' in reading) return reading.value;
  wrongType(reader, entry, reading.wanted, reading.hint);
  return undefined;
}

function readPort(reader: MapReader): number | undefined {
  const entry = entryOf(reader, 'port');
  if (entry === undefined) return undefined;
  const port = integerOf(entry.value);
  if (port !== undefined && port >= 1 && port <= portMax) return port;
  wrongType(reader, entry, `a port from 1 to ${portMax}`);
  return undefined;
}

function readTags(reader: MapReader): Record<string, string> {
  const tags: [string, string][] = [];
  for (const entry of readMap(reader, 'tags')?.value.entries.values() ?? []) {
    const { value } = entry;
    if (value.kind === 'scalar' && typeof value.value === 'string') tags.push([entry.key, value.value]);
    else {
      wrongType({ ...reader, what: `tags of ${reader.what}` }, entry, 'text', quoteHint(value));
    }
  }
  return Object.fromEntries(tags);
}

/** One name or a list of names. */
function readVia(reader: MapReader): Bastion[] {
  const entry = entryOf(reader, 'via');
  if (entry === undefined) return [];
  const items = entry.value.kind === 'list' ? entry.value.items : [entry.value];
  const bastions: Bastion[] = [];
  for (const item of items) {
    if (item.kind === 'scalar' && typeof item.value === 'string') {
      bastions.push({ name: item.value, span: item.span });
    } else {
      wrongType(reader, entry, 'the name of a host, or a list of names');
    }
  }
  return bastions;
}
