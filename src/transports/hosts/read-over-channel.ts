/** Runs a reading script over a channel: raw output on both streams, bounded, told complete by the closing line. */
import type { CommandResult, HostFailure, HostScript } from '../host.ts';
import { readBytesMax } from '../host.ts';
import type { BrokenSession, Channel, Session } from './channel.ts';
import { cancelled, outputTooLarge, timedOut } from './failure.ts';
import { exitCodeOf, neverAnswered } from './protocol/state.ts';
import { readRequest } from './protocol/read.ts';
import { newNonce } from './protocol/token.ts';

/** What login files may print before the script begins, and how long the closing line may be. */
const prefaceBytesMax = 256 * 1024;
const closingBytesMax = 4 * 1024;
/** How long output may still come after the script has ended; a process that it left behind may hold the stream. */
const drainMs = 500;

interface ReadOptions {
  readonly become: 'none' | 'sudo';
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** Rejects with HostFailure. */
export async function readOverChannel(
  host: string,
  channel: Channel,
  script: HostScript,
  options: ReadOptions,
): Promise<CommandResult> {
  const deadline = Date.now() + options.timeoutMs;
  for (let attempt = 1; ; attempt += 1) {
    const nonce = newNonce();
    const session = await channel.open(options);
    const request = readRequest(channel.shell, nonce, script, options);
    const answer = await new Reading(host, nonce, session).run(request, options, deadline - Date.now());
    if (!('begun' in answer)) {
      const [kind, code = ''] = answer.words.split(' ');
      if (kind !== 'exited') return neverAnswered(answer.words, host);
      return { exitCode: exitCodeOf(code), stdout: answer.stdout, stderr: answer.stderr };
    }
    const failure = await channel.explain({ ...answer, attempt });
    if (failure !== 'again') throw failure;
  }
}

interface Answer {
  readonly words: string;
  readonly stdout: string;
  readonly stderr: string;
}

class Reading {
  readonly #host: string;
  readonly #nonce: string;
  readonly #session: Session;
  readonly #stdout: Gathered;
  readonly #stderr: Gathered;
  #given: HostFailure | undefined;

  constructor(host: string, nonce: string, session: Session) {
    this.#host = host;
    this.#nonce = nonce;
    this.#session = session;
    this.#stdout = new Gathered(nonce);
    this.#stderr = new Gathered(nonce);
  }

  async run(
    request: Uint8Array,
    { signal, timeoutMs }: ReadOptions,
    leftMs: number,
  ): Promise<Answer | Omit<BrokenSession, 'attempt'>> {
    const abort = (): void => {
      this.#giveUp(cancelled(this.#host, signal.reason));
    };
    const timer = setTimeout(
      () => {
        this.#giveUp(timedOut(this.#host, timeoutMs));
      },
      Math.max(leftMs, 0),
    );
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    try {
      // Standard input stays open: the host stops the script when it closes.
      this.#session.stdin.write(request);
      return await this.#gather();
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      this.#session.kill();
    }
  }

  async #gather(): Promise<Answer | Omit<BrokenSession, 'attempt'>> {
    const drained = Promise.all([
      this.#drain('stdout', this.#stdout, readBytesMax),
      this.#drain('stderr', this.#stderr, readBytesMax + closingBytesMax),
    ]);
    await Promise.race([drained, this.#stderr.closed.then(() => this.#quiet())]);
    this.#throwIfGivenUp();
    const words = this.#stderr.words;
    if (words !== undefined && this.#stderr.byteLength > readBytesMax) {
      throw outputTooLarge(this.#host, 'stderr', readBytesMax);
    }
    if (words === undefined) {
      await drained;
      const exitCode = await this.#session.ended;
      this.#throwIfGivenUp();
      return { begun: this.#stderr.begun, exitCode, stderr: this.#stderr.text() };
    }
    return { words, stdout: this.#stdout.text(), stderr: this.#stderr.text() };
  }

  async #drain(name: 'stdout' | 'stderr', gathered: Gathered, bytesMax: number): Promise<void> {
    const stream = this.#session[name];
    try {
      for await (const chunk of stream) {
        gathered.take(chunk);
        if (gathered.byteLength > (gathered.begun ? bytesMax : prefaceBytesMax)) {
          this.#giveUp(outputTooLarge(this.#host, name, readBytesMax));
        }
        if (name === 'stderr' && gathered.close(this.#nonce)) return;
      }
    } catch (error) {
      // A destroyed stream is how giving up ends this loop; any other end is told by the missing closing line.
      if (!(error instanceof Error)) throw error;
    }
  }

  /** Resolves once standard output has been silent for a while after the end. */
  async #quiet(): Promise<void> {
    let before = -1;
    while (before !== this.#stdout.byteLength) {
      before = this.#stdout.byteLength;
      await new Promise((resolve) => {
        setTimeout(resolve, drainMs);
      });
    }
  }

  #throwIfGivenUp(): void {
    if (this.#given !== undefined) throw this.#given;
  }

  #giveUp(failure: HostFailure): void {
    this.#given ??= failure;
    this.#session.kill();
    this.#session.stdout.destroy();
    this.#session.stderr.destroy();
  }
}

/** One stream from the nonce on. */
class Gathered {
  readonly #nonce: Buffer;
  #chunks: Buffer[] = [];
  #length = 0;
  #tail: Buffer = Buffer.alloc(0);
  #begun = false;
  #words: string | undefined;
  readonly closed: Promise<void>;
  #tellClosed: () => void = () => {};

  constructor(nonce: string) {
    this.#nonce = Buffer.from(`${nonce}\n`);
    this.closed = new Promise((resolve) => {
      this.#tellClosed = resolve;
    });
  }

  get begun(): boolean {
    return this.#begun;
  }
  get byteLength(): number {
    return this.#length;
  }
  /** The closing line's words, where it has come. */
  get words(): string | undefined {
    return this.#words;
  }

  take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.byteLength;
    this.#tail = Buffer.concat([this.#tail, chunk]).subarray(-closingBytesMax);
    if (this.#begun) return;
    const all = this.#joined();
    const at = all.indexOf(this.#nonce);
    if (at >= 0) {
      this.#begun = true;
      this.#keep(all.subarray(at + this.#nonce.byteLength));
    }
  }

  /** Takes off the closing line and what a left-behind process printed after it; false while it has not come. */
  close(nonce: string): boolean {
    const mark = `\n${nonce} `;
    const at = this.#tail.indexOf(mark);
    const end = at < 0 ? -1 : this.#tail.indexOf('\n', at + 1);
    if (!this.#begun || end < 0) return false;
    this.#words = this.#tail.toString('utf8', at + mark.length, end);
    this.#keep(this.#joined().subarray(0, this.#length - (this.#tail.byteLength - at)));
    this.#tellClosed();
    return true;
  }

  text(): string {
    return this.#joined().toString('utf8');
  }

  #joined(): Buffer {
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }

  #keep(bytes: Buffer): void {
    this.#chunks = [bytes];
    this.#length = bytes.byteLength;
  }
}
