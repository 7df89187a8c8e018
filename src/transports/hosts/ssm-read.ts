/** A reading script over SSM: one command for an ordinary one, further polls for long output or a slow script. */
import { isUtf8 } from 'node:buffer';
import type { CommandResult, HostScript, OutputSink } from '../host.ts';
import { readBytesMax } from '../host.ts';
import { hostFailure, outputTooLarge, timedOut } from './failure.ts';
import { readDetachedRequest } from './protocol/one-shot.ts';
import type { Reply } from './protocol/reply.ts';
import { commandState } from './protocol/state.ts';
import type { SsmTarget } from './ssm-exchange.ts';
import { ssmExchange } from './ssm-exchange.ts';
import { replyBytesMax, ssmForget, ssmPoll, ssmStop, waitMsMax } from './ssm-follow.ts';

/** How long tidying up after a read that went wrong may take. */
const tidyMsMax = 60_000;
const streamBytesMax = readBytesMax + 1;

export interface SsmReading {
  /** Of this read alone; the script's folder on the host has this name. */
  readonly nonce: string;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** Rejects with HostFailure; `tidyRead` is then due unless `effect` is `none`. */
export async function ssmRead(
  target: SsmTarget,
  script: HostScript,
  { nonce, signal, timeoutMs }: SsmReading,
): Promise<CommandResult> {
  const { shell, host, name } = target;
  const endsAt = Date.now() + timeoutMs;
  const output = gatherOutput();
  const { sink } = output;
  const waitMs = Math.min(timeoutMs, waitMsMax);
  const limits = { bytesMax: replyBytesMax, offsetMax: streamBytesMax };
  const program = readDetachedRequest(shell, script, limits);
  const about = script.name ?? 'script';
  const own = { folder: nonce, token: nonce, waitMs };
  let reply = await ssmExchange(target, { verb: 'read', about, program, own, sink, signal });
  let state = commandState(reply.words, { stdout: reply.stdout, stderr: reply.stderr }, host);
  const wasForgotten = state.kind !== 'running';
  while (state.kind === 'running') {
    refuseTooMuch(host, reply);
    const leftMs = endsAt - Date.now();
    if (leftMs <= 0) throw timedOut(host, timeoutMs);
    const command = { token: about, folder: nonce };
    const options = { from: state.next, sink, waitMs: leftMs, signal, streamBytesMax };
    ({ state, reply } = await ssmPoll(target, command, options));
  }
  if (!wasForgotten) await ssmForget(target, { token: about, folder: nonce }, signal);
  refuseTooMuch(host, reply);
  if (state.kind === 'exited') return { exitCode: state.exitCode, ...output.text() };
  throw hostFailure({
    host,
    name,
    code: 'CONNECTION_LOST',
    what: `a reading script left no result: ${state.kind === 'vanished' ? state.reason : state.kind}`,
    retryable: true,
    effect: 'unknown',
  });
}

/** Stops and removes what a read that went wrong left on the host. */
export async function tidyRead(target: SsmTarget, nonce: string): Promise<void> {
  const signal = AbortSignal.timeout(tidyMsMax);
  const command = { token: nonce, folder: nonce };
  await ssmStop(target, command, signal);
  await ssmForget(target, command, signal);
}

/** Throws as soon as the host says that more was printed than a read may print, before it is all fetched. */
function refuseTooMuch(host: string, { sizes }: Reply): void {
  for (const stream of ['stdout', 'stderr'] as const) {
    if ((sizes?.[stream] ?? 0) > readBytesMax) throw outputTooLarge(host, stream, readBytesMax);
  }
}

function gatherOutput(): { sink: OutputSink; text: () => Omit<CommandResult, 'exitCode'> } {
  const chunks: { stdout: Uint8Array[]; stderr: Uint8Array[] } = { stdout: [], stderr: [] };
  const text = (stream: 'stdout' | 'stderr'): string => Buffer.concat(chunks[stream]).toString('utf8');
  return {
    sink: {
      write: (stream, chunk) => {
        chunks[stream].push(Buffer.from(chunk));
      },
    },
    text: () => ({
      stdout: text('stdout'),
      stderr: text('stderr'),
      ...(isUtf8(Buffer.concat(chunks.stdout)) ? {} : { isGarbled: true }),
    }),
  };
}
