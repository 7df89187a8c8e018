/** The failures that all transports share, as sentences for an operator. */
import type { HostFailureCode } from '../host.ts';
import { HostFailure } from '../host.ts';
import { sentence } from './said.ts';

/** `what` tells what was attempted and what came back, `next` what to do about it. */
export function hostFailure(failure: {
  readonly host: string;
  readonly name: string;
  readonly code: HostFailureCode;
  readonly what: string;
  readonly next?: string;
  readonly retryable?: boolean;
  readonly effect?: 'none' | 'unknown';
  readonly cause?: unknown;
}): HostFailure {
  const { host, name, code, what, next, retryable = false, effect = 'none', cause } = failure;
  const consequence =
    effect === 'none'
      ? `Nothing was changed on ${name}.`
      : `Whether it had an effect on ${name} is not known.`;
  const message = [`${host}: ${sentence(what)}`, next, consequence]
    .filter((line) => line !== undefined)
    .join('\n');
  return new HostFailure({ code, message, retryable, effect, cause });
}

/** `seen`: how far the host had come, as the end of a sentence. */
export function cancelled(host: string, reason: unknown, seen?: string): HostFailure {
  return new HostFailure({
    code: 'CANCELLED',
    message: `${host}: given up before the host had answered${seen === undefined ? '' : `: ${seen}`}.`,
    retryable: false,
    effect: 'unknown',
    cause: reason,
  });
}

export function noReply(host: string, silentMs: number): HostFailure {
  return new HostFailure({
    code: 'NO_REPLY',
    message: `${host}: connected, but the host has said nothing for ${silentMs / 1000} s.\nIt may be frozen or out of memory; whether the request had an effect is not known.`,
    retryable: true,
    effect: 'unknown',
  });
}

/** A host that does not keep to the protocol fails its own target; asking it again would believe it again. */
export function garbled(host: string, cause: Error): HostFailure {
  return new HostFailure({
    code: 'BAD_REPLY',
    message: `${host}: the host answered something that makes no sense: ${cause.message}.\nNothing that it said is believed. Look at the host: its shell, its login files, and who else is root on it.`,
    retryable: false,
    effect: 'unknown',
    cause,
  });
}

export function noProcess(host: string, effect: 'none' | 'unknown'): HostFailure {
  return new HostFailure({
    code: 'NO_PROCESS',
    message: `${host}: the host can start no further process: a limit on processes is reached, or memory is.\n${effect === 'none' ? 'Nothing was run on it.' : 'Whether the request had an effect is not known.'}`,
    retryable: true,
    effect,
  });
}

export function keeperGone(host: string): HostFailure {
  return new HostFailure({
    code: 'CONNECTION_LOST',
    message: `${host}: the shell that answers there for Belay was ended from outside.\nA command that had begun goes on under its token.`,
    retryable: true,
    effect: 'unknown',
  });
}

export function timedOut(host: string, timeoutMs: number): HostFailure {
  return new HostFailure({
    code: 'TIMED_OUT',
    message: `${host}: a reading script had not ended after ${timeoutMs / 1000} s and was stopped. It changes nothing.`,
    retryable: true,
    effect: 'unknown',
  });
}

export function outputTooLarge(host: string, stream: 'stdout' | 'stderr', bytesMax: number): HostFailure {
  return new HostFailure({
    code: 'OUTPUT_TOO_LARGE',
    message: `${host}: a reading script printed more than ${bytesMax} bytes on ${stream} and was stopped. It changes nothing.`,
    retryable: false,
    effect: 'unknown',
  });
}

/** Somebody tidied up on the host between the end of a script and the sending of its output. */
export function outputDeleted(host: string): HostFailure {
  return new HostFailure({
    code: 'STATE_UNUSABLE',
    message: `${host}: what a reading script had printed was deleted on the host before it could be sent. It changes nothing.`,
    retryable: true,
    effect: 'unknown',
  });
}

export function inputTooLarge(host: string, bytes: number, bytesMax: number, way: string): HostFailure {
  return new HostFailure({
    code: 'INPUT_TOO_LARGE',
    message: `${host}: the script with its args, env and stdin has ${bytes} bytes; ${way} carries at most ${bytesMax}.\nNothing was run on it.`,
    retryable: false,
    effect: 'none',
  });
}

/** What hosts that are reached without ssh say to a key that is to be proven. */
export function notOverSsh(host: string, name: string): Promise<never> {
  return Promise.reject(
    hostFailure({
      host,
      name,
      code: 'NOT_OVER_SSH',
      what: 'a key can be proven only by logging in with it, and this host is not reached over ssh',
      next: 'Give it an address and `transport: ssh` in belay.yaml.',
    }),
  );
}
