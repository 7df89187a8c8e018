/**
 * What a keeper says, read strictly. A line that is not exactly one of these is no answer: the host, or somebody on it,
 * speaks another language, and nothing of what it says is believed any further.
 */
import type { CommandState, HostFailureCode, OutputOffsets } from '../../host.ts';
import { hostFailureCodes } from '../../host.ts';

/** What came does not follow the protocol. */
export class GarbledReply extends Error {
  override readonly name = 'GarbledReply';
}

export type Standing =
  | { readonly kind: 'absent' }
  | { readonly kind: 'running' }
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'vanished'; readonly reason: string };

/** How a command is, how long its files are, and how much of each came along. */
export interface Seen {
  readonly standing: Standing;
  readonly sizes: OutputOffsets;
  readonly sent: OutputOffsets;
}

export type Words =
  | { readonly kind: 'ready'; readonly uid: number; readonly bootId: string; readonly root: string }
  | { readonly kind: 'begun' | 'already' | 'stopped' | 'forgotten' | 'dying' | 'gone' }
  | { readonly kind: 'refused'; readonly code: HostFailureCode; readonly sentence: string }
  | { readonly kind: 'alive'; readonly processes: string }
  | { readonly kind: 'measured'; readonly sizes: OutputOffsets }
  | ({ readonly kind: 'look' | 'ended' | 'read' } & Seen);

const vanishedReasons = new Map([
  ['rebooted', 'the host was rebooted while the command ran; how far it came is not recorded'],
  ['killed', 'the command was killed from outside, and its exit code is not recorded'],
  ['stopped', 'the command was stopped, and its exit code is not recorded'],
  ['closed', 'the command was stopped before it began; nothing of it has run'],
]);

const readyWords = /^ready (?<uid>\d{1,10}) (?<boot>[0-9a-f-]{36}) (?<root>.+)$/;
const refusedWords = /^refused (?<code>[A-Z_]+) (?<sentence>.+)$/;
const seenWords =
  /^(?<kind>look|ended|read) (?<standing>\S+ \S+) (?<sizeOut>\d{1,15}) (?<sizeErr>\d{1,15}) (?<sentOut>\d{1,15}) (?<sentErr>\d{1,15})$/;
const measuredWords = /^measured (?<out>\d{1,15}) (?<err>\d{1,15})$/;
const single = ['begun', 'already', 'stopped', 'forgotten', 'dying', 'gone'] as const;

/** Throws GarbledReply. */
export function wordsOf(text: string): Words {
  const plain = single.find((word) => word === text);
  if (plain !== undefined) return { kind: plain };
  const seen = seenWords.exec(text)?.groups;
  if (seen !== undefined) return seenOf(seen);
  const refused = refusedWords.exec(text)?.groups;
  if (refused !== undefined) {
    const code = hostFailureCodes.find((known) => known === refused['code']);
    if (code !== undefined) return { kind: 'refused', code, sentence: printable(refused['sentence'] ?? '') };
  }
  const measured = measuredWords.exec(text)?.groups;
  if (measured !== undefined) {
    return { kind: 'measured', sizes: { stdout: Number(measured['out']), stderr: Number(measured['err']) } };
  }
  if (/^alive \d/.test(text)) return { kind: 'alive', processes: printable(text.slice('alive '.length)) };
  const ready = readyWords.exec(text)?.groups;
  if (ready !== undefined) {
    return {
      kind: 'ready',
      uid: Number(ready['uid']),
      bootId: ready['boot'] ?? '',
      root: ready['root'] ?? '',
    };
  }
  throw new GarbledReply(`unexpected words: ${printable(text)}`);
}

function seenOf(groups: Record<string, string>): Words {
  const { kind, standing = '' } = groups;
  return {
    kind: kind === 'look' || kind === 'ended' ? kind : 'read',
    standing: standingOf(standing),
    sizes: { stdout: Number(groups['sizeOut']), stderr: Number(groups['sizeErr']) },
    sent: { stdout: Number(groups['sentOut']), stderr: Number(groups['sentErr']) },
  };
}

/** `exited 3`, `vanished rebooted`, `running -`, `absent -`. Throws GarbledReply. */
export function standingOf(words: string): Standing {
  const [kind = '', detail = '', ...more] = words.split(' ');
  if (more.length === 0) {
    if ((kind === 'absent' || kind === 'running') && detail === '-') return { kind };
    if (kind === 'exited') return { kind, exitCode: exitCodeOf(detail) };
    const reason = vanishedReasons.get(detail);
    if (kind === 'vanished' && reason !== undefined) return { kind, reason };
  }
  throw new GarbledReply(`unexpected words: ${printable(words)}`);
}

export function stateOf(standing: Standing, next: OutputOffsets): CommandState {
  return standing.kind === 'absent' ? standing : { ...standing, next };
}

function exitCodeOf(digits: string): number {
  const code = Number(digits);
  if (!/^\d{1,3}$/.test(digits) || code > 255)
    throw new GarbledReply(`"${printable(digits)}" is not an exit code`);
  return code;
}

/** What a host said, for a message: short, and nothing in it moves a cursor. */
export function printable(text: string): string {
  return text.slice(0, 300).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
}
