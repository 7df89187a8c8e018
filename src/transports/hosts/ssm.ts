/**
 * The ssm transport: the same protocol over SendCommand. Each request is one command of AWS-RunShellScript whose
 * output, base64, is the reply; output beyond what one invocation keeps is fetched by further requests.
 *
 * Everything that is sent stands in SendCommand's parameters, which AWS stores and shows: values that are secret are
 * refused. The agent runs as root, so `become` changes nothing.
 */
import { gzipSync } from 'node:zlib';
import type { Aws } from '../aws.ts';
import type {
  CommandResult,
  CommandState,
  Host,
  HostAddress,
  HostScript,
  OutputOffsets,
  OutputSink,
} from '../host.ts';
import { HostFailure, readBytesMax } from '../host.ts';
import { cancelled, garbled, hostFailure, inputTooLarge, outputTooLarge, timedOut } from './failure.ts';
import { forgetRequest, pollRequest, stopRequest } from './protocol/follow.ts';
import { shellQuote, shellWords } from './protocol/quote.ts';
import { readDetachedRequest } from './protocol/read-detached.ts';
import { GarbledReply, ReplyReader } from './protocol/reply.ts';
import type { Reply } from './protocol/reply.ts';
import type { HostShell } from './protocol/shell.ts';
import { defaultShell, openingWords } from './protocol/shell.ts';
import { startRequest } from './protocol/start.ts';
import { commandState, neverAnswered, stillRunning } from './protocol/state.ts';
import { folderOf, newNonce } from './protocol/token.ts';
import { runOverSsm } from './ssm-command.ts';

/** How much of each stream of a command is fetched; the rest stays on the host, and the log says so. */
export const ssmStreamBytesMax = 1024 * 1024;
/** Output of both streams per request: base64 of it, with the protocol's own lines, is below 24,000 characters. */
const replyBytesMax = 16_000;
/** What one request may have in characters; AWS refuses documents with parameters beyond 64 KB. */
const lineCharactersMax = 48 * 1024;
const waitMsMax = 30_000;
/** What the agent may take for a request besides its waiting. Stopping takes up to 15 s. */
const executionSeconds = 60;

type Verb = 'start' | 'poll' | 'stop' | 'forget' | 'read';

interface Asking {
  readonly verb: Verb;
  readonly bytes: Buffer;
  readonly nonce: string;
  readonly signal: AbortSignal;
  readonly waitMs?: number;
  readonly sink?: OutputSink;
}

/** Throws TypeError for an address without an instance. */
export function ssmHost(address: HostAddress, aws: Aws, shell: HostShell = defaultShell): Host {
  const { name, instanceId = name } = address;
  if (!/^m?i-[0-9a-f]+$/.test(instanceId))
    throw new TypeError(`${name} is reached over SSM and has no instance id`);
  const label = instanceId === name ? `${name} (over SSM)` : `${name} (${instanceId} over SSM)`;
  const wanted = { host: label, name };

  const background = new Set<Promise<void>>();
  const inBackground = (work: Promise<void>): void => {
    const done = work.catch(() => {}).finally(() => background.delete(done));
    background.add(done);
  };

  /** The token is in the comment for whoever reads the command history; the nonce finds this very request. */
  const ask = async (token: string, asking: Asking): Promise<Reply> => {
    const { verb, bytes, nonce, signal, waitMs = 0, sink } = asking;
    const stdout = await runOverSsm(aws, {
      ...wanted,
      instanceId,
      line: requestLine(label, shell, bytes),
      comment: `belay ${verb} ${token.replaceAll(/[^\w.:/-]/g, '_').slice(0, 50)} ${nonce.slice(-24)}`,
      executionSeconds: executionSeconds + Math.ceil(waitMs / 1000),
      signal,
    });
    return replyOf(label, stdout, nonce, sink);
  };

  const poll = async (
    token: string,
    folder: string,
    from: OutputOffsets,
    options: { sink: OutputSink; waitMs: number; signal: AbortSignal },
  ): Promise<CommandState> => {
    const nonce = newNonce();
    const waitMs = Math.min(options.waitMs, waitMsMax);
    const limits = { from, waitMs, bytesMax: replyBytesMax, offsetMax: ssmStreamBytesMax };
    const bytes = pollRequest(shell, folder, nonce, limits);
    const { sink, signal } = options;
    const reply = await ask(token, { verb: 'poll', bytes, nonce, sink, signal, waitMs });
    const next = { stdout: from.stdout + reply.stdout, stderr: from.stderr + reply.stderr };
    const state = commandState(reply.words, next, label);
    if (state.kind !== 'exited' && state.kind !== 'vanished') return state;
    return {
      ...state,
      next: await closeCutStreams(sink, next, reply.sizes, `${shell.stateBase}/belay-0/${folder}`),
    };
  };

  const stop = async (token: string, folder: string, signal: AbortSignal): Promise<void> => {
    const nonce = newNonce();
    const { words } = await ask(token, {
      verb: 'stop',
      bytes: stopRequest(shell, folder, nonce),
      nonce,
      signal,
    });
    if (words.startsWith('alive '))
      throw stillRunning(words, label, 'could not be stopped, not even by KILL');
    if (words !== 'stopped') neverAnswered(words, label);
  };

  const forget = async (token: string, folder: string, signal: AbortSignal): Promise<void> => {
    const nonce = newNonce();
    const { words } = await ask(token, {
      verb: 'forget',
      bytes: forgetRequest(shell, folder, nonce),
      nonce,
      signal,
    });
    if (words.startsWith('alive ')) throw stillRunning(words, label, 'cannot be forgotten while it runs');
    if (words !== 'forgotten') neverAnswered(words, label);
  };

  /** A read's own token on the host is its nonce. */
  const read = async (script: HostScript, signal: AbortSignal, timeoutMs: number): Promise<CommandResult> => {
    const nonce = newNonce();
    const endsAt = Date.now() + timeoutMs;
    const output = gatherOutput(label);
    const clean = async (): Promise<void> => {
      const fresh = AbortSignal.timeout(60_000);
      await stop(nonce, nonce, fresh);
      await forget(nonce, nonce, fresh);
    };
    const waitMs = Math.min(timeoutMs, waitMsMax);
    const limits = {
      from: { stdout: 0, stderr: 0 },
      waitMs,
      bytesMax: replyBytesMax,
      offsetMax: readBytesMax + 1,
    };
    const bytes = readDetachedRequest(shell, nonce, script, limits);
    const { sink } = output;
    try {
      const first = await ask(script.name ?? 'script', { verb: 'read', bytes, nonce, sink, signal, waitMs });
      let state = commandState(first.words, { stdout: first.stdout, stderr: first.stderr }, label);
      while (state.kind === 'running') {
        if (Date.now() >= endsAt) throw timedOut(label, timeoutMs);
        const left = Math.max(0, endsAt - Date.now());
        state = await poll(nonce, nonce, state.next, { sink, waitMs: left, signal });
      }
      // The first request has forgotten a command that it saw to its end.
      if (!/^(?:exited|vanished)/.test(first.words)) await forget(nonce, nonce, signal);
      if (state.kind !== 'exited') throw endedFromOutside(wanted, state);
      return { exitCode: state.exitCode, ...output.text() };
    } catch (error) {
      // What is left on the host ends and goes, but nobody waits for it: the caller has its answer.
      if (!(error instanceof HostFailure) || error.effect === 'unknown') inBackground(clean());
      if (signal.aborted) throw cancelled(label, signal.reason);
      throw error;
    }
  };

  return {
    name,
    label,
    transport: 'ssm',
    instanceId,
    carriesSecrets: false,
    read: async (script, { signal, timeoutMs }) => {
      refuseSecrets(wanted, script);
      return read(script, signal, timeoutMs);
    },
    start: async (token, script, { signal }) => {
      refuseSecrets(wanted, script);
      const nonce = newNonce();
      const bytes = startRequest(shell, folderOf(token), nonce, { token, script });
      const { words } = await ask(token, { verb: 'start', bytes, nonce, signal });
      if (words !== 'begun' && words !== 'already') neverAnswered(words, label);
    },
    poll: (token, { from, ...options }) => poll(token, folderOf(token), from, options),
    stop: (token, { signal }) => stop(token, folderOf(token), signal),
    forget: (token, { signal }) => forget(token, folderOf(token), signal),
    close: async () => {
      await Promise.all(background);
    },
  };
}

function refuseSecrets({ host, name }: { host: string; name: string }, script: HostScript): void {
  if (script.secret !== true) return;
  throw hostFailure({
    host,
    name,
    code: 'SECRET_OVER_SSM',
    what: 'the script carries secret values, and over SSM they would stand in SendCommand parameters, which AWS stores and shows',
    next: 'Reach the host by ssh, or let the host fetch the secret itself (Parameter Store, Secrets Manager).',
  });
}

/** Throws INPUT_TOO_LARGE. Compressed only where it must be: a plain request needs one tool less on the host. */
function requestLine(label: string, shell: HostShell, bytes: Buffer): string {
  const opening = `${shellWords(openingWords(shell, 'none'))} | base64`;
  const plain = `printf %s ${shellQuote(bytes.toString('base64'))} | base64 -d | ${opening}`;
  if (plain.length <= lineCharactersMax) return plain;
  const packed = gzipSync(bytes).toString('base64');
  const line = `printf %s ${shellQuote(packed)} | base64 -d | gzip -dc | ${opening}`;
  if (line.length > lineCharactersMax)
    throw inputTooLarge(label, bytes.byteLength, lineCharactersMax, 'SSM, compressed,');
  return line;
}

async function replyOf(
  label: string,
  stdout: string,
  nonce: string,
  sink: OutputSink | undefined,
): Promise<Reply> {
  const reader = new ReplyReader(nonce, sink);
  try {
    await reader.take(Buffer.from(stdout.replaceAll(/\s/g, ''), 'base64'));
  } catch (error) {
    throw error instanceof GarbledReply ? garbled(label, error) : error;
  }
  if (reader.reply === undefined) throw garbled(label, new GarbledReply('it is cut off'));
  return reader.reply;
}

/** Writes a last line to the sink for each stream that was cut, and moves its offset to the end. */
async function closeCutStreams(
  sink: OutputSink,
  next: OutputOffsets,
  sizes: OutputOffsets | undefined,
  folder: string,
): Promise<OutputOffsets> {
  const ends = { ...next };
  for (const stream of ['stdout', 'stderr'] as const) {
    const left = (sizes?.[stream] ?? 0) - next[stream];
    if (left <= 0) continue;
    const line = `\n[belay: ${left} more bytes were not fetched over SSM (limit ${ssmStreamBytesMax}); they are on the host in ${folder}/${stream}]\n`;
    await sink.write(stream, Buffer.from(line));
    ends[stream] = next[stream] + left;
  }
  return ends;
}

/** Throws OUTPUT_TOO_LARGE from the sink as soon as a stream is longer than a read may be. */
function gatherOutput(label: string): { sink: OutputSink; text: () => { stdout: string; stderr: string } } {
  const chunks: { stdout: Uint8Array[]; stderr: Uint8Array[] } = { stdout: [], stderr: [] };
  const bytes = { stdout: 0, stderr: 0 };
  const text = (stream: 'stdout' | 'stderr'): string => Buffer.concat(chunks[stream]).toString('utf8');
  return {
    sink: {
      write: (stream, chunk) => {
        bytes[stream] += chunk.byteLength;
        if (bytes[stream] > readBytesMax) throw outputTooLarge(label, stream, readBytesMax);
        chunks[stream].push(Buffer.from(chunk));
      },
    },
    text: () => ({ stdout: text('stdout'), stderr: text('stderr') }),
  };
}

function endedFromOutside(wanted: { host: string; name: string }, state: CommandState): Error {
  return hostFailure({
    ...wanted,
    code: 'CONNECTION_LOST',
    what: `a reading script left no result: ${state.kind === 'vanished' ? state.reason : state.kind}`,
    retryable: true,
    effect: 'unknown',
  });
}
