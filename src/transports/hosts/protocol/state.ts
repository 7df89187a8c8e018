/** What the words of a reply mean to the caller. */
import type { CommandState, OutputOffsets } from '../../host.ts';
import { HostFailure } from '../../host.ts';
import { garbled } from '../failure.ts';
import { GarbledReply, printable, standingOf, stateOf, wordsOf, type Words } from './words.ts';

/** As the host refused it. */
export function refusal({ code, sentence }: Extract<Words, { kind: 'refused' }>, host: string): HostFailure {
  return new HostFailure({
    code,
    message: `${host}: ${sentence}.\nNothing was run on it.`,
    retryable: code === 'NO_PROCESS',
    effect: 'none',
  });
}

/** `12 (sleep), 13 (sh)` as a failure. */
export function stillRunning(processes: string, host: string, what: string): HostFailure {
  return new HostFailure({
    code: 'STILL_RUNNING',
    message: `${host}: ${what}: ${processes}.\nLook at these processes on the host; nothing else was touched.`,
    retryable: true,
    effect: 'unknown',
  });
}

/** The closing words of a program of its own. Throws HostFailure where the host refused, or said what the protocol does not have. */
export function commandState(words: string, next: OutputOffsets, host: string): CommandState {
  if (words.startsWith('refused ')) neverAnswered(words, host);
  return strictly(host, () => stateOf(standingOf(words), next));
}

/** Throws what `refused CODE sentence` says, or BAD_REPLY. */
export function neverAnswered(words: string, host: string): never {
  const said = strictly(host, () => wordsOf(words));
  if (said.kind === 'refused') throw refusal(said, host);
  throw garbled(host, new GarbledReply(`unexpected words: ${printable(words)}`));
}

function strictly<T>(host: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw error instanceof GarbledReply ? garbled(host, error) : error;
  }
}
