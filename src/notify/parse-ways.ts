/** The four ways to people, each read from its key of a channel. */
import {
  checkKeys,
  entryOf,
  integerOf,
  readList,
  readMap,
  readText,
  readWord,
  wrongType,
  type Entry,
  type MapReader,
  type Span,
} from '../document/index.ts';
import type { SecretReference, Way } from './channel.ts';
import { reportNotify } from './errors.ts';

export interface WayReader {
  /** Of the channel. */
  readonly reader: MapReader;
  readonly name: string;
  readonly keySpan: Span;
  readonly resolvePath: (path: string) => string;
}

export const topicArnPattern = /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$/;
const groupPattern = /^[\x21-\x7e]{1,128}$/;
const referencePattern = /^(env|file|ssm|secretsmanager):./;
/** What looks like one mailbox. The server has the last word. */
const mailboxPattern = /^[^\s@<>,;"'()[\]\\]+@[^\s@<>,;"'()[\]\\]+$/;
const hostPattern = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$|^\[?[0-9a-fA-F:]+\]?$/;

/** A topic's ARN, or a map with one. */
export function readSns({ reader }: WayReader): Way | undefined {
  const entry = entryOf(reader, 'sns');
  if (entry?.value.kind === 'scalar') {
    const topicArn = topicOf(reader, entry);
    return topicArn === undefined ? undefined : { kind: 'sns', topicArn, group: 'belay' };
  }
  const inner = innerOf(reader, 'sns', ['topicArn', 'group']);
  if (inner === undefined) return undefined;
  const arn = required(inner, 'topicArn');
  const topicArn = arn === undefined ? undefined : topicOf(inner, arn);
  const group = readText(inner, 'group') ?? 'belay';
  const groupEntry = entryOf(inner, 'group');
  if (groupEntry !== undefined && !groupPattern.test(group))
    wrongType(inner, groupEntry, 'a group of a FIFO topic: 1 to 128 characters without spaces');
  else if (groupEntry !== undefined && topicArn !== undefined && !topicArn.endsWith('.fifo'))
    wrongType(inner, groupEntry, 'left out: only FIFO topics have groups');
  return topicArn === undefined ? undefined : { kind: 'sns', topicArn, group };
}

function topicOf(reader: MapReader, entry: Entry): string | undefined {
  const arn = entry.value.kind === 'scalar' ? String(entry.value.value) : '';
  if (topicArnPattern.test(arn)) return arn;
  wrongType(reader, entry, 'the ARN of an SNS topic, as arn:aws:sns:eu-west-1:123456789012:alarms');
  return undefined;
}

/** An address, a reference to one, or a map with one. */
export function readWebhook(way: WayReader): Way | undefined {
  const { reader } = way;
  const entry = entryOf(reader, 'webhook');
  if (entry?.value.kind === 'scalar') {
    const url = readUrl(reader, entry, way);
    return url === undefined ? undefined : { kind: 'webhook', url, format: 'json' };
  }
  const inner = innerOf(reader, 'webhook', ['url', 'format', 'signWith', 'bearer', 'caFile']);
  if (inner === undefined) return undefined;
  const urlEntry = required(inner, 'url');
  const url = urlEntry === undefined ? undefined : readUrl(inner, urlEntry, way);
  const signWith = readReference(inner, 'signWith', way);
  const bearer = readReference(inner, 'bearer', way);
  const caFile = readText(inner, 'caFile');
  const format = readWord(inner, 'format', ['json', 'slack'] as const) ?? 'json';
  if (url === undefined) return undefined;
  return {
    kind: 'webhook',
    url,
    format,
    ...(signWith === undefined ? {} : { signWith }),
    ...(bearer === undefined ? {} : { bearer }),
    ...(caFile === undefined ? {} : { caFile: way.resolvePath(caFile) }),
  };
}

function readUrl(
  reader: MapReader,
  entry: Entry,
  { resolvePath }: WayReader,
): { readonly kind: 'plain' | 'secret'; readonly value: string } | undefined {
  const text = entry.value.kind === 'scalar' ? String(entry.value.value) : '';
  if (referencePattern.test(text)) return { kind: 'secret', value: anchored(text, resolvePath) };
  const problem = urlProblem(text);
  if (problem === undefined) return { kind: 'plain', value: text };
  const { code, message, hint } = problem;
  reportNotify(reader.report, code, entry.value.span, `${entry.key} of ${reader.what} ${message}`, hint);
  return undefined;
}

export interface UrlProblem {
  readonly code: 'BAD_ADDRESS' | 'PLAIN_SECRET' | 'PLAIN_TRANSPORT';
  /** Half a sentence without the address, which may be a secret. */
  readonly message: string;
  readonly hint: string;
}

/** What is wrong with the address of a webhook; it is asked again where the address comes from a secret. */
export function urlProblem(text: string): UrlProblem | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    return {
      code: 'BAD_ADDRESS',
      message: 'is not an address of a webhook',
      hint: 'https://hooks.example.com/belay, or a reference as env:OPS_HOOK',
    };
  if (url.username !== '' || url.password !== '')
    return {
      code: 'PLAIN_SECRET',
      message: 'has a password in it',
      hint: 'Give the whole address by reference, as env:OPS_HOOK, or use bearer.',
    };
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    return {
      code: 'PLAIN_TRANSPORT',
      message: 'would send messages over the network unencrypted',
      hint: 'https; http is for this machine only, as http://127.0.0.1:8080',
    };
  return undefined;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

export function readEmail(way: WayReader): Way | undefined {
  const inner = innerOf(way.reader, 'email', [
    'server',
    'port',
    'security',
    'from',
    'to',
    'user',
    'password',
    'caFile',
  ]);
  if (inner === undefined) return undefined;
  const server = readServer(inner);
  const security = readWord(inner, 'security', ['starttls', 'tls', 'none'] as const) ?? 'starttls';
  const securityEntry = entryOf(inner, 'security');
  if (security === 'none' && securityEntry !== undefined && server !== undefined && !isLoopback(server))
    reportNotify(
      inner.report,
      'PLAIN_TRANSPORT',
      securityEntry.value.span,
      `${inner.what} would send mail and password to ${server} unencrypted`,
      'starttls or tls; none is for a server on this machine',
    );
  const port = readPort(inner) ?? (security === 'tls' ? 465 : security === 'starttls' ? 587 : 25);
  const from = readMailboxes(inner, 'from')?.[0];
  const to = readMailboxes(inner, 'to');
  const user = readText(inner, 'user');
  const password = readReference(inner, 'password', way);
  if ((user === undefined) !== (entryOf(inner, 'password') === undefined)) {
    const [there, missing] = user === undefined ? ['password', 'user'] : ['user', 'password'];
    const span = entryOf(inner, there)?.keySpan ?? way.keySpan;
    inner.report.error('MISSING_KEY', span, `${inner.what} has ${there} and no ${missing}`);
  }
  const caFile = readText(inner, 'caFile');
  if (server === undefined || from === undefined || to === undefined) return undefined;
  return {
    kind: 'email',
    server,
    port,
    security,
    from,
    to,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(caFile === undefined ? {} : { caFile: way.resolvePath(caFile) }),
  };
}

function readServer(reader: MapReader): string | undefined {
  const entry = required(reader, 'server');
  if (entry === undefined) return undefined;
  const server = readText(reader, 'server');
  if (server !== undefined && hostPattern.test(server)) return server;
  if (server !== undefined)
    reportNotify(
      reader.report,
      'BAD_ADDRESS',
      entry.value.span,
      `server of ${reader.what} is not a name of a host`,
    );
  return undefined;
}

function readPort(reader: MapReader): number | undefined {
  const entry = entryOf(reader, 'port');
  if (entry === undefined) return undefined;
  const port = integerOf(entry.value);
  if (port !== undefined && port >= 1 && port <= 65_535) return port;
  wrongType(reader, entry, 'a port, from 1 to 65535');
  return undefined;
}

/** One mailbox or a list of them. */
function readMailboxes(reader: MapReader, key: 'from' | 'to'): readonly string[] | undefined {
  const entry = required(reader, key);
  if (entry === undefined) return undefined;
  const nodes = entry.value.kind === 'list' && key === 'to' ? entry.value.items : [entry.value];
  const mailboxes = nodes.flatMap((node) => {
    const text = node.kind === 'scalar' ? String(node.value) : '';
    if (mailboxPattern.test(text)) return [text];
    reportNotify(
      reader.report,
      'BAD_ADDRESS',
      node.span,
      `${key} of ${reader.what} is ${JSON.stringify(text)}, and that is not a mailbox`,
      `${key}: ops@example.com`,
    );
    return [];
  });
  return mailboxes.length === 0 ? undefined : mailboxes;
}

/** A list of words, or a map with one. */
export function readCommand(way: WayReader): Way | undefined {
  const { reader } = way;
  const entry = entryOf(reader, 'command');
  if (entry?.value.kind === 'list') {
    const argv = readArgv(reader, 'command', way);
    return argv === undefined ? undefined : { kind: 'command', argv, format: 'text', timeoutSeconds: 10 };
  }
  if (entry !== undefined && entry.value.kind !== 'map') {
    wrongType(
      reader,
      entry,
      'a list: the program and its arguments. No shell reads them',
      "[/usr/local/bin/page, '--team', ops]",
    );
    return undefined;
  }
  const inner = innerOf(reader, 'command', ['argv', 'format', 'timeoutSeconds']);
  if (inner === undefined || required(inner, 'argv') === undefined) return undefined;
  const argv = readArgv(inner, 'argv', way);
  const format = readWord(inner, 'format', ['text', 'json'] as const) ?? 'text';
  const timeEntry = entryOf(inner, 'timeoutSeconds');
  const seconds = timeEntry === undefined ? 10 : integerOf(timeEntry.value);
  if (timeEntry !== undefined && (seconds === undefined || seconds < 1 || seconds > 60))
    wrongType(inner, timeEntry, 'a whole number of seconds, from 1 to 60');
  return argv === undefined ? undefined : { kind: 'command', argv, format, timeoutSeconds: seconds ?? 10 };
}

function readArgv(reader: MapReader, key: string, { resolvePath }: WayReader): readonly string[] | undefined {
  const entry = entryOf(reader, key);
  const items = readList(reader, key);
  if (entry === undefined || items === undefined) return undefined;
  const words = items.map((item) =>
    item.kind === 'scalar' && item.value !== null ? String(item.value) : undefined,
  );
  if (
    words.length === 0 ||
    words.some((word) => word === undefined || word.includes('\0')) ||
    words[0] === ''
  ) {
    wrongType(reader, entry, 'a list of words: the program and its arguments');
    return undefined;
  }
  const [program = '', ...rest] = words.filter((word) => word !== undefined);
  return [program.includes('/') ? resolvePath(program) : program, ...rest];
}

function readReference(
  reader: MapReader,
  key: string,
  { resolvePath }: WayReader,
): SecretReference | undefined {
  const entry = entryOf(reader, key);
  if (entry === undefined) return undefined;
  const text = entry.value.kind === 'scalar' ? String(entry.value.value) : '';
  if (referencePattern.test(text)) return anchored(text, resolvePath);
  // The line may hold the secret itself.
  reader.report.concealed(
    'WRONG_VALUE',
    entry.value.span,
    `${key} of ${reader.what} is a secret, and belay.yaml holds only where it is`,
    `${key}: env:VAR, file:PATH, ssm:/path or secretsmanager:ID`,
  );
  return undefined;
}

function anchored(reference: string, resolvePath: (path: string) => string): SecretReference {
  return reference.startsWith('file:') ? `file:${resolvePath(reference.slice('file:'.length))}` : reference;
}

function innerOf(reader: MapReader, key: string, known: readonly string[]): MapReader | undefined {
  const map = readMap(reader, key);
  if (map === undefined) return undefined;
  const inner: MapReader = { node: map.value, what: `${key} of ${reader.what}`, report: reader.report };
  checkKeys(inner, known);
  return inner;
}

function required(reader: MapReader, key: string): Entry | undefined {
  const entry = entryOf(reader, key);
  if (entry === undefined) {
    const at = { start: reader.node.span.start, end: reader.node.span.start + 1 };
    reader.report.error('MISSING_KEY', at, `${reader.what} needs ${key}`);
  }
  return entry;
}
