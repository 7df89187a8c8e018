/**
 * Reads what the programs of the protocol say. A reply begins after a line with the request's nonce (whatever login
 * files print before it is dropped) and is a sequence of lines:
 *
 *   `o N` or `e N`  N bytes of standard output or error follow
 *   `s N M`         how long both files are now
 *   `= words`       the end
 */
import type { OutputSink } from '../../host.ts';
import { GarbledReply, printable } from './words.ts';

/** Bounds what login files may print, and what a line of the protocol may hold. */
const prefaceBytesMax = 256 * 1024;
const lineBytesMax = 16 * 1024;

const lineBreak = 0x0a;
const frameLine = /^(?<letter>[oe]) (?<bytes>\d{1,15})$/;
const sizesLine = /^s (?<stdout>\d{1,15}) (?<stderr>\d{1,15})$/;

export interface Reply {
  /** The words after `=`: `exited 0`, `absent`. */
  readonly words: string;
  /** How many bytes of each stream were handed to the sink. */
  readonly stdout: number;
  readonly stderr: number;
  /** How long the streams are on the host, where it said so. */
  readonly sizes?: { readonly stdout: number; readonly stderr: number };
}

export class ReplyReader {
  readonly #nonce: Buffer;
  readonly #sink: OutputSink | undefined;
  #pending: Buffer = Buffer.alloc(0);
  #begun = false;
  #frame: { readonly stream: 'stdout' | 'stderr'; left: number } | undefined;
  #handed = { stdout: 0, stderr: 0 };
  #sizes: { stdout: number; stderr: number } | undefined;
  #words: string | undefined;

  constructor(nonce: string, sink?: OutputSink) {
    this.#nonce = Buffer.from(`${nonce}\n`);
    this.#sink = sink;
  }

  /** Whether the program on the host has begun to speak. */
  get begun(): boolean {
    return this.#begun;
  }

  /** The whole reply, once its last line has come. */
  get reply(): Reply | undefined {
    if (this.#words === undefined) return undefined;
    const reply = { words: this.#words, ...this.#handed };
    return this.#sizes === undefined ? reply : { ...reply, sizes: this.#sizes };
  }

  /** Takes the next bytes as they come; resolves when the sink has taken its part. Rejects with GarbledReply. */
  async take(chunk: Uint8Array): Promise<void> {
    this.#pending =
      this.#pending.byteLength === 0 ? Buffer.from(chunk) : Buffer.concat([this.#pending, chunk]);
    if (!this.#begun && !this.#begin()) return;
    while (this.#pending.byteLength > 0 && this.#words === undefined) {
      if (this.#frame !== undefined) await this.#output(this.#frame);
      else if (!this.#line()) return;
    }
  }

  #begin(): boolean {
    const at = this.#pending.indexOf(this.#nonce);
    if (at < 0) {
      this.#pending = this.#pending.subarray(-prefaceBytesMax);
      return false;
    }
    this.#pending = this.#pending.subarray(at + this.#nonce.byteLength);
    this.#begun = true;
    return true;
  }

  async #output(frame: { readonly stream: 'stdout' | 'stderr'; left: number }): Promise<void> {
    const part = this.#pending.subarray(0, frame.left);
    this.#pending = this.#pending.subarray(part.byteLength);
    frame.left -= part.byteLength;
    if (frame.left === 0) this.#frame = undefined;
    await this.#sink?.write(frame.stream, part);
    this.#handed[frame.stream] += part.byteLength;
  }

  /** Takes one line; false when it has not come whole. */
  #line(): boolean {
    const end = this.#pending.indexOf(lineBreak);
    if (end < 0) {
      if (this.#pending.byteLength > lineBytesMax) throw new GarbledReply('a line without an end');
      return false;
    }
    const line = this.#pending.toString('utf8', 0, end);
    this.#pending = this.#pending.subarray(end + 1);
    const frame = frameLine.exec(line)?.groups;
    const sizes = sizesLine.exec(line)?.groups;
    if (frame !== undefined) {
      const left = Number(frame['bytes']);
      if (left > 0) this.#frame = { stream: frame['letter'] === 'o' ? 'stdout' : 'stderr', left };
    } else if (sizes !== undefined) {
      this.#sizes = { stdout: Number(sizes['stdout']), stderr: Number(sizes['stderr']) };
    } else if (line.startsWith('= ')) this.#words = line.slice(2);
    else throw new GarbledReply(`an unexpected line: ${printable(line)}`);
    return true;
  }
}
