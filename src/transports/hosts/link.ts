/**
 * One keeper on a host, talked to: requests go out with numbers, and what comes back finds its request by them.
 * Everything is bounded: a line, a frame, what one request may bring, and how long it may take by the clock; no byte
 * that the host sends gives it more time.
 */
import { readBytesMax, type HostFailure, type OutputOffsets } from '../host.ts';
import type { Session } from './channel.ts';
import { garbled, keeperGone, noProcess, noReply } from './failure.ts';
import { KeeperReader } from './protocol/keeper-reader.ts';
import { openingRequest, workers } from './protocol/keeper.ts';
import type { HostShell } from './protocol/shell.ts';
import { GarbledReply, type Words } from './protocol/words.ts';
import { newNonce } from './protocol/token.ts';

/** How long the answer to a request may take besides what it waits for on the host. */
export const answerMsMax = 30_000;
/** The slowest line that is waited for: 32 kB a second. */
const slowBytesPerMs = 32;
/** What may still be in the pipes when the process at this end of them has ended. */
const drainMs = 200;
/** The longest that a timer of Node can run. */
const timerMsMax = 2 ** 31 - 1;

export type Answer = Words & { readonly output: { readonly stdout: Buffer; readonly stderr: Buffer } };

export interface Wanted {
  /** Which words answer it; any others are garbled. */
  readonly words: readonly Words['kind'][];
  /** How much output may come along, both streams together. */
  readonly bytesMax?: number;
  readonly dueMs?: number;
  /** Called when the host says `begun`; from then on the answer may take as long as it takes. */
  readonly begun?: () => void;
}

/** The link ended before the whole answer had come. */
export class LinkBroken extends Error {
  override readonly name = 'LinkBroken';
  readonly failure: HostFailure;
  /** Whether the host had said anything about this request. */
  readonly heard: boolean;

  constructor(failure: HostFailure, heard: boolean) {
    super(failure.message);
    this.failure = failure;
    this.heard = heard;
  }
}

interface Pending extends Wanted {
  readonly chunks: { readonly stdout: Buffer[]; readonly stderr: Buffer[] };
  readonly announced: { stdout: number; stderr: number };
  readonly got: { stdout: number; stderr: number };
  readonly timer: NodeJS.Timeout;
  heard: boolean;
  hasBegun: boolean;
  answer: Words | undefined;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: LinkBroken) => void;
}

export interface LinkOptions {
  readonly host: string;
  readonly shell: HostShell;
  /** Why a session that ended had to end. */
  readonly explain: (ended: {
    readonly begun: boolean;
    readonly exitCode: number | undefined;
    readonly stderr: string;
  }) => Promise<HostFailure>;
}

/** What the host is to remove, gathered so that it is told of several at once: also where several names are one host. */
export interface LeftThere {
  /** Of commands that have ended. */
  readonly folders: string[];
  /** Until the host is told of the folders. */
  timer: NodeJS.Timeout | undefined;
  /** Numbers of reads that have ended. */
  readonly reads: number[];
}

export class HostLink {
  readonly nonce = newNonce();
  readonly left: LeftThere = { folders: [], timer: undefined, reads: [] };
  readonly #session: Session;
  readonly #options: LinkOptions;
  readonly #pendings = new Map<number, Pending>();
  readonly #freeWorkers = new Set<number>(workers);
  #nextId = 1;
  #ended: HostFailure | undefined;
  #isEnding = false;
  /** Ends with the failure that ended the link. */
  readonly ended: Promise<HostFailure>;
  #tellEnded: (failure: HostFailure) => void = () => {};

  constructor(session: Session, options: LinkOptions) {
    this.#session = session;
    this.#options = options;
    this.ended = new Promise((resolve) => {
      this.#tellEnded = resolve;
    });
  }

  get isOpen(): boolean {
    return this.#ended === undefined && !this.#isEnding;
  }

  /** Starts the keeper. Rejects with LinkBroken. */
  async open(): Promise<Answer> {
    const reader = new KeeperReader(this.nonce, {
      words: (id, words) => this.#take(id, words),
      output: (id, stream, bytes) => this.#output(id, stream, bytes),
      announced: (id, stream, bytes) => this.#announced(id, stream, bytes),
    });
    const guarded = (take: (chunk: Buffer) => void) => (chunk: Buffer) => {
      if (this.#ended !== undefined) return;
      try {
        take(chunk);
      } catch (error) {
        if (!(error instanceof GarbledReply)) throw error;
        this.fail(garbled(this.#options.host, error));
      }
    };
    const { stdout, stderr, stdin } = this.#session;
    stdout.on(
      'data',
      guarded((chunk) => reader.takeOutput(chunk)),
    );
    stderr.on(
      'data',
      guarded((chunk) => reader.takeWords(chunk)),
    );
    for (const stream of [stdout, stderr]) stream.on('error', () => {}).resume();
    const drained = Promise.all(
      [stdout, stderr].map((stream) => new Promise((resolve) => stream.once('close', resolve))),
    );
    void this.#session.ended.then(async (exitCode) => {
      await Promise.race([drained, new Promise((resolve) => setTimeout(resolve, drainMs))]);
      if (this.#ended !== undefined) return;
      this.#isEnding = true;
      this.fail(await this.#options.explain({ begun: reader.begun, exitCode, stderr: reader.noise() }));
    });
    const ready = this.#await(0, { words: ['ready', 'refused'] });
    // An open link waits for nothing by itself; each request has a timer, which keeps the process alive.
    this.#session.unref?.();
    stdin.write(openingRequest(this.#options.shell, this.nonce, readBytesMax));
    return ready;
  }

  /** Rejects with LinkBroken. */
  async ask(make: (id: number) => Uint8Array, wanted: Wanted): Promise<Answer> {
    return this.askNumbered(make, wanted).answer;
  }

  askNumbered(
    make: (id: number) => Uint8Array,
    wanted: Wanted,
  ): { readonly id: number; readonly answer: Promise<Answer> } {
    const id = this.#nextId;
    this.#nextId += 1;
    if (this.#ended !== undefined) return { id, answer: Promise.reject(new LinkBroken(this.#ended, false)) };
    const { stdin } = this.#session;
    const bytes = make(id);
    // What is still to be sent, and what may come, takes its time on a slow line.
    const { dueMs = answerMsMax, bytesMax = 0 } = wanted;
    const carryMs = (stdin.writableLength + bytes.byteLength + bytesMax) / slowBytesPerMs;
    const answer = this.#await(id, { ...wanted, dueMs: dueMs + carryMs });
    stdin.write(bytes);
    return { id, answer };
  }

  /** Sends what is not answered. */
  tell(bytes: Uint8Array): void {
    if (this.#ended === undefined) this.#session.stdin.write(bytes);
  }

  /** A worker that waits for nothing, if there is one; the caller gives it back by `giveBack`. */
  takeWorker(): number | undefined {
    const [worker] = this.#freeWorkers;
    if (worker !== undefined) this.#freeWorkers.delete(worker);
    return worker;
  }

  giveBack(worker: number | undefined): void {
    if (worker !== undefined) this.#freeWorkers.add(worker);
  }

  /** Ends it for the given reason; everything that waits hears of it. */
  fail(failure: HostFailure): void {
    if (this.#ended !== undefined) return;
    this.#ended = failure;
    this.#session.kill();
    this.#session.stdout.destroy();
    this.#session.stderr.destroy();
    for (const pending of this.#pendings.values()) {
      clearTimeout(pending.timer);
      pending.reject(new LinkBroken(failure, pending.heard));
    }
    this.#pendings.clear();
    this.#tellEnded(failure);
  }

  #await(id: number, wanted: Wanted): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { dueMs = answerMsMax } = wanted;
      const timer = setTimeout(
        () => this.fail(noReply(this.#options.host, dueMs)),
        Math.min(dueMs, timerMsMax),
      );
      this.#pendings.set(id, {
        ...wanted,
        chunks: { stdout: [], stderr: [] },
        announced: { stdout: 0, stderr: 0 },
        got: { stdout: 0, stderr: 0 },
        timer,
        heard: false,
        hasBegun: false,
        answer: undefined,
        resolve,
        reject,
      });
    });
  }

  #pending(id: number): Pending {
    const pending = this.#pendings.get(id);
    if (pending === undefined) throw new GarbledReply(`an answer to request ${id}, which nobody waits for`);
    pending.heard = true;
    return pending;
  }

  #take(id: number, words: Words): void {
    if (words.kind === 'dying') {
      this.fail(noProcess(this.#options.host, 'unknown'));
      return;
    }
    if (words.kind === 'gone') {
      this.fail(keeperGone(this.#options.host));
      return;
    }
    const pending = this.#pending(id);
    if (words.kind === 'begun' && pending.begun !== undefined && !pending.hasBegun) {
      clearTimeout(pending.timer);
      pending.hasBegun = true;
      pending.begun();
      return;
    }
    if (pending.answer !== undefined || !pending.words.includes(words.kind)) {
      throw new GarbledReply(`"${words.kind}" is no answer to request ${id}`);
    }
    pending.answer = words;
    this.#settle(id, pending);
  }

  /** Throws before a frame is gathered that nobody asked for, or that is more than what was asked for. */
  #announced(id: number, stream: 'stdout' | 'stderr', bytes: number): void {
    const pending = this.#pending(id);
    pending.announced[stream] += bytes;
    const { stdout, stderr } = pending.announced;
    if (stdout + stderr > (pending.bytesMax ?? 0)) {
      throw new GarbledReply(
        `${stdout + stderr} bytes of output where at most ${pending.bytesMax ?? 0} were asked for`,
      );
    }
  }

  #output(id: number, stream: 'stdout' | 'stderr', bytes: Buffer): void {
    const pending = this.#pending(id);
    pending.chunks[stream].push(bytes);
    pending.got[stream] += bytes.byteLength;
    this.#settle(id, pending);
  }

  /** Output and words come on two streams; an answer is whole when both have come. */
  #settle(id: number, { answer, got, chunks, timer, resolve }: Pending): void {
    if (answer === undefined) return;
    const sent: OutputOffsets = 'sent' in answer ? answer.sent : { stdout: 0, stderr: 0 };
    if (got.stdout > sent.stdout || got.stderr > sent.stderr) {
      throw new GarbledReply(`more output than the answer to request ${id} says`);
    }
    if (got.stdout < sent.stdout || got.stderr < sent.stderr) return;
    clearTimeout(timer);
    this.#pendings.delete(id);
    resolve({
      ...answer,
      output: { stdout: Buffer.concat(chunks.stdout), stderr: Buffer.concat(chunks.stderr) },
    });
  }
}
