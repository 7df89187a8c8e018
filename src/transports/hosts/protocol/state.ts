/** What the closing words of a reply mean to the caller. */
import type { CommandState, HostFailureCode, OutputOffsets } from '../../host.ts';
import { HostFailure, hostFailureCodes } from '../../host.ts';
import { GarbledReply } from './reply.ts';

const vanishedReasons: Readonly<Record<string, string>> = {
  rebooted: 'the host was rebooted while the command ran; how far it came is not recorded',
  killed: 'the command was killed from outside, and its exit code is not recorded',
  stopped: 'the command was stopped, and its exit code is not recorded',
  closed: 'the command was stopped before it began; nothing of it has run',
};

/** Rejects with HostFailure where the host refused, with GarbledReply for words that the protocol does not have. */
export function commandState(words: string, next: OutputOffsets, host: string): CommandState {
  const [kind = '', detail = ''] = words.split(' ');
  switch (kind) {
    case 'absent':
      return { kind };
    case 'running':
      return { kind, next };
    case 'exited':
      return { kind, exitCode: exitCodeOf(detail), next };
    case 'vanished':
      return { kind, reason: vanishedReasons[detail] ?? detail, next };
    default:
      return neverAnswered(words, host);
  }
}

export function exitCodeOf(digits: string): number {
  const code = Number(digits);
  if (!/^\d{1,3}$/.test(digits) || code > 255) throw new GarbledReply(`"${digits}" is no exit code`);
  return code;
}

/** Throws what `refused CODE sentence` says, or GarbledReply. */
export function neverAnswered(words: string, host: string): never {
  const [kind, name, ...rest] = words.split(' ');
  const code = hostFailureCodes.find((known) => known === name);
  if (kind !== 'refused' || code === undefined)
    throw new GarbledReply(`unexpected words: ${words.slice(0, 200)}`);
  throw refusal(code, rest.join(' '), host);
}

function refusal(code: HostFailureCode, sentence: string, host: string): HostFailure {
  return new HostFailure({
    code,
    message: `${host}: ${sentence}.\nNothing was run on it.`,
    retryable: false,
    effect: 'none',
  });
}

/** `alive 12 (sleep), 13 (sh)` as a failure. */
export function stillRunning(words: string, host: string, what: string): HostFailure {
  return new HostFailure({
    code: 'STILL_RUNNING',
    message: `${host}: ${what}: ${words.replace(/^alive /, '')}.\nLook at these processes on the host; nothing else was touched.`,
    retryable: true,
    effect: 'unknown',
  });
}
