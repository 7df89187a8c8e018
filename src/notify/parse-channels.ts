/** `notify:` of belay.yaml → channels, or everything that is wrong with them. */
import {
  checkKeys,
  entryOf,
  parseTemplate,
  readBoolean,
  readList,
  readMap,
  readText,
  wrongType,
  type Entry,
  type MapReader,
  type TreeNode,
} from '../document/index.ts';
import type { Channel } from './channel.ts';
import { reportNotify } from './errors.ts';
import { eventGroups, eventNames, eventsOf, type EventName } from './events.ts';
import { fieldNames } from './message.ts';
import { readCommand, readEmail, readSns, readWebhook, type WayReader } from './parse-ways.ts';

export interface ChannelOptions {
  /** Makes paths of the file absolute. Default: paths stay as written. */
  readonly resolvePath: (path: string) => string;
}

export const channelNamePattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
const ways = { sns: readSns, webhook: readWebhook, email: readEmail, command: readCommand } as const;
const wayKinds = Object.keys(ways) as readonly (keyof typeof ways)[];
const ownKeys = ['events', 'onlyNamed', 'subject', 'text'];

/** Of the map that has the key `notify`. */
export function readChannels(reader: MapReader, options: ChannelOptions): readonly Channel[] {
  const map = readMap(reader, 'notify');
  if (map === undefined) return [];
  return [...map.value.entries.values()].flatMap((entry) => readChannel(entry, reader, options) ?? []);
}

function readChannel(entry: Entry, { report }: MapReader, options: ChannelOptions): Channel | undefined {
  const { key: name, keySpan, value } = entry;
  if (!channelNamePattern.test(name)) {
    const message = `a channel is named with up to 63 letters, digits, dashes and underscores, not ${JSON.stringify(name)}`;
    reportNotify(report, 'CHANNEL_NAME', keySpan, message);
  }
  if (value.kind !== 'map') {
    reportNotify(
      report,
      'CHANNEL_WAY',
      keySpan,
      `channel ${name} must be a map with one of ${wayKinds.join(', ')}`,
      `${name}: { sns: 'arn:aws:sns:eu-west-1:123456789012:alarms' }`,
    );
    return undefined;
  }
  const reader: MapReader = { node: value, what: `channel ${name}`, report };
  checkKeys(reader, [...wayKinds, ...ownKeys]);
  const present = wayKinds.filter((kind) => entryOf(reader, kind) !== undefined);
  const [kind] = present;
  if (kind === undefined || present.length > 1) {
    const message =
      kind === undefined
        ? `channel ${name} says no way to people`
        : `channel ${name} has ${present.join(' and ')}, and a channel is one way to people`;
    const hint = kind === undefined ? `one of ${wayKinds.join(', ')}` : 'Make a channel of each.';
    reportNotify(report, 'CHANNEL_WAY', keySpan, message, hint);
    return undefined;
  }
  const wayReader: WayReader = { reader, name, keySpan, ...options };
  const way = ways[kind](wayReader);
  const subject = readTemplate(reader, 'subject');
  const text = readTemplate(reader, 'text');
  const events = readEvents(reader);
  if (way === undefined) return undefined;
  return {
    name,
    way,
    events,
    isOnlyNamed: readBoolean(reader, 'onlyNamed') ?? false,
    ...(subject === undefined ? {} : { subject }),
    ...(text === undefined ? {} : { text }),
  };
}

/** Without `events:`, all of them. */
function readEvents(reader: MapReader): ReadonlySet<EventName> {
  const entry = entryOf(reader, 'events');
  if (entry === undefined) return new Set(eventNames);
  const items = entry.value.kind === 'scalar' ? [entry.value] : readList(reader, 'events');
  if (items === undefined) return new Set();
  if (items.length === 0) wrongType(reader, entry, 'a list of events; leave it out for all of them');
  return new Set(items.flatMap((item) => eventsAt(item, reader)));
}

function eventsAt(item: TreeNode, { report, what }: MapReader): readonly EventName[] {
  const word = item.kind === 'scalar' ? String(item.value) : '';
  const events = eventsOf(word);
  if (events !== undefined) return events;
  const known = [...Object.keys(eventGroups), ...eventNames];
  const message = `${what} asks for the event ${JSON.stringify(word)}, and there is none of that name`;
  reportNotify(report, 'UNKNOWN_EVENT', item.span, message, report.suggest(word, known));
  return [];
}

/** A text with `{{ name }}` in it. */
function readTemplate(reader: MapReader, key: 'subject' | 'text'): string | undefined {
  const template = readText(reader, key);
  const entry = entryOf(reader, key);
  if (template === undefined || entry === undefined) return undefined;
  if (template === '') wrongType(reader, entry, 'text; leave it out for the usual one');
  for (const part of parseTemplate(template)) {
    if (part.kind === 'text' || isField(part.reference)) continue;
    reportNotify(
      reader.report,
      'UNKNOWN_PLACE',
      placeOf(entry.value, template, part.start, part.end),
      `${key} of ${reader.what} uses {{ ${part.reference.text} }}, and messages have nothing of that name`,
      reader.report.suggest(part.reference.text, fieldNames),
    );
  }
  return template;
}

function isField(reference: { readonly kind: string; readonly text: string }): boolean {
  return reference.kind === 'parameter' && fieldNames.some((name) => name === reference.text);
}

/** Where a template stands in the file as it is written, the part itself; else the whole value. */
function placeOf(node: TreeNode, template: string, start: number, end: number) {
  const { span } = node;
  const width = span.end - span.start;
  const quote = width === template.length ? 0 : width === template.length + 2 ? 1 : undefined;
  return quote === undefined ? span : { start: span.start + quote + start, end: span.start + quote + end };
}
