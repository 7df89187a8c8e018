/**
 * Commands under their tokens over SSM. A start waits a moment on the host: what ends by then is begun, waited for and read by
 * one request. What has ended is forgotten along with the next request to the host.
 */
import type { CommandState, HostScript, OutputSink } from '../host.ts';
import { startRequest } from './protocol/one-shot.ts';
import type { Reply } from './protocol/reply.ts';
import { commandState } from './protocol/state.ts';
import { folderOf } from './protocol/token.ts';
import type { SsmTarget } from './ssm-exchange.ts';
import { ssmExchange } from './ssm-exchange.ts';
import { replyBytesMax, ssmForget, ssmPoll, type SsmPoll } from './ssm-follow.ts';

/** How long a start waits on the host for the end of what it began. */
const earlyMs = 500;
/** How long what has ended waits for a request that takes it along. */
const forgetMs = 5_000;
/** How long the last forgetting may take when everything is closed. */
const closeMsMax = 60_000;

interface Seen {
  readonly state: CommandState;
  readonly reply: Reply;
}
/** What came along with a start, kept for the first poll. */
interface Early extends Seen {
  readonly chunks: readonly { readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }[];
}

export class SsmCommands {
  readonly #target: SsmTarget;
  readonly #streamBytesMax: number;
  readonly #early = new Map<string, Early>();
  readonly #ended = new Set<string>();
  #forgetting: NodeJS.Timeout | undefined;

  constructor(target: SsmTarget, streamBytesMax: number) {
    this.#target = target;
    this.#streamBytesMax = streamBytesMax;
  }

  /** Rejects with HostFailure. */
  async start(token: string, script: HostScript, signal: AbortSignal): Promise<void> {
    const { shell, host } = this.#target;
    const limits = { bytesMax: replyBytesMax, offsetMax: this.#streamBytesMax };
    const program = startRequest(shell, script, limits);
    const own = { folder: folderOf(token), token, waitMs: earlyMs };
    const chunks: { readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }[] = [];
    const sink: OutputSink = {
      write: (stream, chunk) => {
        chunks.push({ stream, bytes: Buffer.from(chunk) });
      },
    };
    const reply = await ssmExchange(this.#target, {
      verb: 'start',
      about: token,
      program,
      own,
      sink,
      signal,
    });
    const state = commandState(reply.words, { stdout: reply.stdout, stderr: reply.stderr }, host);
    this.#early.set(token, { state, reply, chunks });
  }

  /** Rejects with HostFailure. */
  async poll(token: string, polling: Omit<SsmPoll, 'streamBytesMax'>): Promise<CommandState> {
    const { sink, signal } = polling;
    const early = this.#early.get(token);
    this.#early.delete(token);
    let { from } = polling;
    if (early !== undefined && from.stdout === 0 && from.stderr === 0) {
      signal.throwIfAborted();
      for (const { stream, bytes } of early.chunks) await sink.write(stream, bytes);
      if (early.state.kind !== 'running') return this.#closed(token, sink, early);
      from = early.state.next;
    }
    const streamBytesMax = this.#streamBytesMax;
    const command = { token, folder: folderOf(token) };
    const seen = await ssmPoll(this.#target, command, { ...polling, from, streamBytesMax });
    return this.#closed(token, sink, seen);
  }

  /** Of a command that is known to have ended the host is told later. Rejects with HostFailure. */
  async forget(token: string, signal: AbortSignal): Promise<void> {
    const folder = folderOf(token);
    this.#early.delete(token);
    if (!this.#ended.delete(token)) return ssmForget(this.#target, { token, folder }, signal);
    this.#target.toForget.push(folder);
    // What stays behind where that fails is small, and `belay doctor` names it.
    this.#forgetting ??= setTimeout(
      () => void this.#forgetWaiting().catch(() => undefined),
      forgetMs,
    ).unref();
  }

  async close(): Promise<void> {
    await this.#forgetWaiting().catch(() => undefined);
  }

  async #forgetWaiting(): Promise<void> {
    clearTimeout(this.#forgetting);
    this.#forgetting = undefined;
    if (this.#target.toForget.length === 0) return;
    await ssmForget(this.#target, { token: 'ended' }, AbortSignal.timeout(closeMsMax));
  }

  /** Writes a last line to the sink for each stream that was cut at its limit, once the command has ended. */
  async #closed(token: string, sink: OutputSink, { state, reply }: Seen): Promise<CommandState> {
    if (state.kind !== 'exited' && state.kind !== 'vanished') return state;
    this.#ended.add(token);
    const next = { ...state.next };
    for (const stream of ['stdout', 'stderr'] as const) {
      const left = Math.max(0, (reply.sizes?.[stream] ?? 0) - next[stream]);
      if (left === 0) continue;
      const { stateBase } = this.#target.shell;
      const root = stateBase === undefined ? '/var/lib/belay' : `${stateBase}/belay-0`;
      const where = `${root}/${folderOf(token)}/${stream}`;
      const why = `${left} more bytes were not fetched over SSM; they are on the host in ${where}`;
      await sink.write(stream, Buffer.from(`\n[belay: ${why}]\n`));
      next[stream] += left;
    }
    return { ...state, next };
  }
}
