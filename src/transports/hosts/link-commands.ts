/**
 * Commands under their tokens over a keeper. What this process began itself it need not ask for: the host tells the end
 * by itself, with the first of the output. What somebody else began is asked for, less and less often.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandState, HostScript, OutputOffsets, OutputSink } from '../host.ts';
import { garbled } from './failure.ts';
import { LinkBroken, type Answer, type HostLink } from './link.ts';
import { frameBytesMax } from './protocol/follow.ts';
import { pushedBytesMax } from './protocol/keeper.ts';
import {
  forgetRequest,
  lookRequest,
  startByWorker,
  startByWrapper,
  stopRequest,
} from './protocol/requests.ts';
import type { HostShell } from './protocol/shell.ts';
import { refusal, stillRunning } from './protocol/state.ts';
import { folderOf } from './protocol/token.ts';
import { GarbledReply, stateOf, type Seen } from './protocol/words.ts';

/** How long the end of a command is waited for before its output is looked at, and how long at most later. */
const lookMs = { first: 150, max: 2_000 };
/** The same where the host tells no end by itself. */
const askMs = { first: 25, max: 500 };
/** Stopping takes up to 15 s on the host. */
const stopMsMax = 45_000;
/** So many tokens are forgotten together, or after so long. */
const forgottenTogether = 32;
const forgetMs = 1_000;

interface Begun {
  readonly link: HostLink;
  /** Resolves with the end as the host told it, or undefined when the link has ended before. */
  readonly end: Promise<Ended | undefined>;
  ended: Ended | undefined;
}
type Ended = Seen & { readonly output: Answer['output'] };

export interface Polling {
  readonly from: OutputOffsets;
  readonly sink: OutputSink;
  readonly untilMs: number;
  readonly bytesMax: number;
  readonly signal: AbortSignal;
}

export class LinkCommands {
  readonly #host: string;
  readonly #shell: HostShell;
  readonly #begun = new Map<string, Begun>();

  constructor(host: string, shell: HostShell) {
    this.#host = host;
    this.#shell = shell;
  }

  /** Resolves once the host has recorded that it began. Rejects with HostFailure or LinkBroken. */
  async start(link: HostLink, token: string, script: HostScript): Promise<void> {
    const command = { folder: folderOf(token), token, script };
    if (link.left.folders.includes(command.folder)) void this.flush(link);
    const worker = link.takeWorker();
    const { promise: begun, resolve: tellBegun } = Promise.withResolvers<'begun'>();
    const answer = link.ask(
      (id) =>
        worker === undefined
          ? startByWrapper(id, this.#shell, link.nonce, command)
          : startByWorker(id, worker, command),
      {
        words: ['already', 'refused', 'ended'],
        bytesMax: pushedBytesMax,
        begun: () => tellBegun('begun'),
      },
    );
    const told: Begun = { link, end: answer.then(endOf, () => undefined), ended: undefined };
    void told.end.then((end) => {
      told.ended = end;
    });
    answer.then((said) => isGone(said) || link.giveBack(worker)).catch(() => {});
    const said = await Promise.race([begun, answer]);
    if (said === 'begun') {
      this.#begun.set(token, told);
      return;
    }
    if (said.kind === 'refused') {
      // A worker that could not start a process has ended.
      const failure = refusal(said, this.#host);
      if (said.code === 'NO_PROCESS') link.fail(failure);
      throw failure;
    }
    if (said.kind === 'ended') throw garbled(this.#host, new GarbledReply('an end without a beginning'));
  }

  async poll(link: HostLink, token: string, polling: Polling): Promise<CommandState> {
    const { signal, sink, untilMs } = polling;
    const begun = this.#begun.get(token);
    const own = begun?.link === link ? begun : undefined;
    const pauses = own === undefined ? askMs : lookMs;
    let pauseMs = pauses.first;
    let next = polling.from;
    let left = polling.bytesMax;
    const hand = async (seen: Seen, output: Answer['output'], skip: OutputOffsets): Promise<void> => {
      for (const stream of ['stdout', 'stderr'] as const) {
        const bytes = output[stream].subarray(skip[stream]);
        if (bytes.byteLength === 0) continue;
        await sink.write(stream, bytes);
        next = { ...next, [stream]: next[stream] + bytes.byteLength };
        left -= bytes.byteLength;
      }
    };
    if (own !== undefined && Date.now() < untilMs) await this.#pause(own, pauseMs, polling);
    for (;;) {
      signal.throwIfAborted();
      if (own?.ended !== undefined && canServe(own.ended, next)) {
        await hand(own.ended, own.ended.output, next);
        if (isWhole(own.ended, next)) return stateOf(own.ended.standing, next);
      }
      const seen = await this.#look(link, token, next, Math.min(left, frameBytesMax));
      await hand(seen, seen.output, { stdout: 0, stderr: 0 });
      const hasAll = isWhole(seen, next);
      if (hasAll && seen.standing.kind !== 'running') return stateOf(seen.standing, next);
      if (left <= 0 || (hasAll && Date.now() >= untilMs)) return { kind: 'running', next };
      if (!hasAll) continue;
      if (seen.output.stdout.byteLength + seen.output.stderr.byteLength > 0) pauseMs = pauses.first;
      await this.#pause(own ?? { link }, pauseMs, polling);
      pauseMs = Math.min(pauseMs * 2, pauses.max);
    }
  }

  async stop(link: HostLink, token: string): Promise<void> {
    void this.flush(link);
    const answer = await link.ask((id) => stopRequest(id, folderOf(token)), {
      words: ['stopped', 'alive', 'refused'],
      dueMs: stopMsMax,
    });
    if (answer.kind === 'refused') throw refusal(answer, this.#host);
    if (answer.kind === 'alive') {
      throw stillRunning(answer.processes, this.#host, 'could not be stopped, not even by KILL');
    }
  }

  /** Of a command that is known to have ended the host is told later, with others. */
  async forget(link: HostLink, token: string): Promise<void> {
    const begun = this.#begun.get(token);
    this.#begun.delete(token);
    const folder = folderOf(token);
    if (begun?.link === link && begun.ended !== undefined) {
      this.#forgetLater(link, folder);
      return;
    }
    void this.flush(link);
    const answer = await link.ask((id) => forgetRequest(id, [folder]), { words: ['forgotten', 'alive'] });
    if (answer.kind === 'alive') {
      throw stillRunning(answer.processes, this.#host, 'cannot be forgotten while it runs');
    }
  }

  /** Tells the host what it may forget; what is asked after that finds nothing of it. */
  flush(link: HostLink): Promise<unknown> {
    const { left } = link;
    if (left.folders.length === 0) return Promise.resolve();
    clearTimeout(left.timer);
    const folders = left.folders.splice(0);
    // What stays behind where that fails is small, and `belay doctor` names it.
    return link
      .ask((id) => forgetRequest(id, folders), { words: ['forgotten', 'alive'] })
      .catch(() => undefined);
  }

  #forgetLater(link: HostLink, folder: string): void {
    const { left } = link;
    if (left.folders.length === 0) left.timer = setTimeout(() => void this.flush(link), forgetMs).unref();
    left.folders.push(folder);
    if (left.folders.length >= forgottenTogether) void this.flush(link);
  }

  async #look(link: HostLink, token: string, from: OutputOffsets, bytesMax: number): Promise<Ended> {
    void this.flush(link);
    const answer = await link.ask((id) => lookRequest(id, folderOf(token), from, bytesMax), {
      words: ['look'],
      bytesMax,
    });
    if (answer.kind !== 'look') throw garbled(this.#host, new GarbledReply(answer.kind));
    return answer;
  }

  /** Until the time is over or the host has told the end. Rejects with LinkBroken when the link ends meanwhile. */
  async #pause(
    { link, end }: Pick<Begun, 'link'> & Partial<Pick<Begun, 'end'>>,
    pauseMs: number,
    { untilMs, signal }: Polling,
  ): Promise<void> {
    const over = new AbortController();
    const ms = Math.max(0, Math.min(pauseMs, untilMs - Date.now()));
    const broken = link.ended.then((failure) => {
      throw new LinkBroken(failure, true);
    });
    broken.catch(() => {});
    try {
      await Promise.race([
        delay(ms, undefined, { signal: AbortSignal.any([over.signal, signal]) }).catch(() => {}),
        ...(end === undefined ? [] : [end]),
        broken,
      ]);
    } finally {
      over.abort();
    }
  }
}

function endOf(answer: Answer): Ended | undefined {
  return answer.kind === 'ended' ? answer : undefined;
}

/** Whether the worker is of no use any more. */
function isGone(answer: Answer): boolean {
  return answer.kind === 'refused' && answer.code === 'NO_PROCESS';
}

/** Whether what came along with the end reaches as far as what is wanted. */
function canServe({ output }: Ended, next: OutputOffsets): boolean {
  return next.stdout <= output.stdout.byteLength && next.stderr <= output.stderr.byteLength;
}

function isWhole({ sizes }: Seen, next: OutputOffsets): boolean {
  return sizes.stdout <= next.stdout && sizes.stderr <= next.stderr;
}
