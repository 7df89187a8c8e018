/** Polling, stopping and forgetting over SSM, by the folder that a command has on the host. */
import type { CommandState, OutputOffsets, OutputSink } from '../host.ts';
import { forgetRequest, pollRequest, stopRequest } from './protocol/one-shot.ts';
import type { Reply } from './protocol/reply.ts';
import { commandState, neverAnswered, stillRunning } from './protocol/state.ts';
import type { SsmTarget } from './ssm-exchange.ts';
import { ssmExchange } from './ssm-exchange.ts';

/** Output of both streams per request: base64 of it, with the protocol's own lines, is below 24,000 characters. */
export const replyBytesMax = 16_000;
export const waitMsMax = 30_000;

export interface SsmCommand {
  readonly token: string;
  readonly folder: string;
}

export interface SsmPoll {
  readonly from: OutputOffsets;
  readonly sink: OutputSink;
  readonly waitMs: number;
  readonly signal: AbortSignal;
  /** From this offset on nothing of a stream is fetched. */
  readonly streamBytesMax: number;
}

/** The state, and what the host said beside it. */
export async function ssmPoll(
  target: SsmTarget,
  { token, folder }: SsmCommand,
  { from, sink, signal, streamBytesMax, ...options }: SsmPoll,
): Promise<{ readonly state: CommandState; readonly reply: Reply }> {
  const waitMs = Math.min(options.waitMs, waitMsMax);
  const program = pollRequest(target.shell, { bytesMax: replyBytesMax, offsetMax: streamBytesMax });
  const own = { folder, from, waitMs };
  const reply = await ssmExchange(target, { verb: 'poll', about: token, program, own, sink, signal });
  const next = { stdout: from.stdout + reply.stdout, stderr: from.stderr + reply.stderr };
  return { state: commandState(reply.words, next, target.host), reply };
}

export async function ssmStop(
  target: SsmTarget,
  { token, folder }: SsmCommand,
  signal: AbortSignal,
): Promise<void> {
  const program = stopRequest(target.shell);
  const { words } = await ssmExchange(target, {
    verb: 'stop',
    about: token,
    program,
    own: { folder },
    signal,
  });
  if (words.startsWith('alive ')) {
    throw stillRunning(words, target.host, 'could not be stopped, not even by KILL');
  }
  if (words !== 'stopped') neverAnswered(words, target.host);
}

/** Without a folder: those that wait for it. */
export async function ssmForget(
  target: SsmTarget,
  { token, folder }: { readonly token: string; readonly folder?: string },
  signal: AbortSignal,
): Promise<void> {
  const program = forgetRequest(target.shell);
  const own = folder === undefined ? {} : { folder };
  const { words } = await ssmExchange(target, { verb: 'forget', about: token, program, own, signal });
  if (words.startsWith('alive ')) throw stillRunning(words, target.host, 'cannot be forgotten while it runs');
  if (words !== 'forgotten') neverAnswered(words, target.host);
}
