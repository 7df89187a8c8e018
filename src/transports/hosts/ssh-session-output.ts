/** What a channel of ssh brings, as two streams; the host may send on when it was read. */
import { Readable } from 'node:stream';

type Name = 'stdout' | 'stderr';

export class ChannelOutput {
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly #windowBytes: number;
  readonly #allow: (bytes: number) => void;
  /** How much the host may still send. */
  #left: number;
  /** What was handed on and not allowed anew. */
  readonly #given: Record<Name, number> = { stdout: 0, stderr: 0 };
  readonly #isFull: Record<Name, boolean> = { stdout: false, stderr: false };

  /** `allow`: the host is told that it may send so many bytes more. */
  constructor(windowBytes: number, allow: (bytes: number) => void) {
    this.#windowBytes = windowBytes;
    this.#left = windowBytes;
    this.#allow = allow;
    const stream = (name: Name): Readable => new Readable({ read: () => this.#wasRead(name) });
    this.stdout = stream('stdout');
    this.stderr = stream('stderr');
    for (const one of [this.stdout, this.stderr]) one.on('error', () => {});
  }

  /** False where the host sent more than it was allowed. */
  give(name: Name, bytes: Buffer): boolean {
    if (bytes.byteLength > this.#left) return false;
    this.#left -= bytes.byteLength;
    this.#given[name] += bytes.byteLength;
    // What nobody wants any more is as good as read.
    this.#isFull[name] = !this[name].destroyed && !this[name].push(Buffer.from(bytes));
    this.#renew();
    return true;
  }

  /** Our own words, which no window counts. */
  note(text: string): void {
    if (!this.stderr.destroyed) this.stderr.push(text);
  }

  end(): void {
    for (const one of [this.stdout, this.stderr]) if (!one.destroyed) one.push(null);
  }

  #wasRead(name: Name): void {
    this.#isFull[name] = false;
    this.#renew();
  }

  /** Half a window at a time, so that a stream of small parts costs few messages. */
  #renew(): void {
    const read = (['stdout', 'stderr'] as const).filter((name) => !this.#isFull[name]);
    const bytes = read.reduce((sum, name) => sum + this.#given[name], 0);
    if (bytes < this.#windowBytes / 2) return;
    for (const name of read) this.#given[name] = 0;
    this.#left += bytes;
    this.#allow(bytes);
  }
}
