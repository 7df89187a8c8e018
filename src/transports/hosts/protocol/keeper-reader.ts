/**
 * Takes the two streams of a keeper apart. Words come as lines `NONCE ID words`; lines without the nonce are what ssh,
 * sudo or login files print and are kept for a message. Output begins after a line with the nonce and is a sequence of
 * frames: a line `NONCE ID o|e BYTES`, then so many bytes.
 */
import { frameBytesMax } from './follow.ts';
import { GarbledReply, printable, wordsOf, type Words } from './words.ts';

/** Bounds what login files may print, and what a line may hold. */
const prefaceBytesMax = 256 * 1024;
const lineBytesMax = 16 * 1024;
const noiseBytesKept = 64 * 1024;
/** What may be printed besides the protocol, all in all. */
const noiseBytesMax = 4 * 1024 * 1024;
const lineBreak = 0x0a;
const wordsLine = /^(?<id>\d{1,12}) (?<words>.+)$/s;
const frameLine = /^(?<id>\d{1,12}) (?<letter>[oe]) (?<bytes>\d{1,9})$/;
const empty = Buffer.alloc(0);

type Stream = 'stdout' | 'stderr';

export interface KeeperEvents {
  words(id: number, words: Words): void;
  /** Before the bytes of a frame are gathered. */
  announced(id: number, stream: Stream, bytes: number): void;
  output(id: number, stream: Stream, bytes: Buffer): void;
}

export class KeeperReader {
  readonly #prefix: string;
  readonly #opening: Buffer;
  readonly #events: KeeperEvents;
  #words: Buffer = empty;
  #noise: Buffer = empty;
  #noiseBytes = 0;
  #begun = false;
  #output: Buffer = empty;
  #outputBegun = false;
  #frame: { readonly id: number; readonly stream: Stream; left: number } | undefined;

  constructor(nonce: string, events: KeeperEvents) {
    this.#prefix = `${nonce} `;
    this.#opening = Buffer.from(`${nonce}\n`);
    this.#events = events;
  }

  /** Whether the keeper has said anything. */
  get begun(): boolean {
    return this.#begun;
  }

  /** The end of what was printed besides the protocol. */
  noise(): string {
    return Buffer.concat([this.#noise, this.#words]).toString('utf8');
  }

  /** Throws GarbledReply. */
  takeWords(chunk: Buffer): void {
    this.#words = this.#words.byteLength === 0 ? chunk : Buffer.concat([this.#words, chunk]);
    for (;;) {
      const end = this.#words.indexOf(lineBreak);
      if (end < 0) break;
      const line = this.#words.subarray(0, end + 1);
      this.#words = this.#words.subarray(end + 1);
      this.#line(line);
    }
    if (this.#words.byteLength > lineBytesMax) {
      this.#hear(this.#words);
      this.#words = empty;
    }
  }

  /** Throws GarbledReply. */
  takeOutput(chunk: Buffer): void {
    this.#output = this.#output.byteLength === 0 ? chunk : Buffer.concat([this.#output, chunk]);
    if (!this.#outputBegun && !this.#beginOutput()) return;
    while (this.#output.byteLength > 0) {
      if (this.#frame === undefined) {
        if (!this.#header()) return;
        continue;
      }
      const { id, stream, left } = this.#frame;
      const part = this.#output.subarray(0, left);
      this.#output = this.#output.subarray(part.byteLength);
      this.#frame = part.byteLength === left ? undefined : { id, stream, left: left - part.byteLength };
      // A copy: a small part must not keep a large chunk alive.
      this.#events.output(id, stream, Buffer.from(part));
    }
  }

  #line(bytes: Buffer): void {
    const line = bytes.toString('utf8', 0, bytes.byteLength - 1);
    if (!line.startsWith(this.#prefix)) {
      this.#hear(bytes);
      return;
    }
    const said = wordsLine.exec(line.slice(this.#prefix.length))?.groups;
    if (said === undefined) throw new GarbledReply(`an unexpected line: ${printable(line)}`);
    this.#begun = true;
    this.#events.words(Number(said['id']), wordsOf(said['words'] ?? ''));
  }

  #hear(bytes: Buffer): void {
    this.#noiseBytes += bytes.byteLength;
    if (this.#noiseBytes > noiseBytesMax) {
      throw new GarbledReply(`more than ${noiseBytesMax} bytes that belong to no answer`);
    }
    this.#noise = Buffer.concat([this.#noise, bytes]).subarray(-noiseBytesKept);
  }

  #beginOutput(): boolean {
    const at = this.#output.indexOf(this.#opening);
    if (at < 0) {
      this.#output = this.#output.subarray(-prefaceBytesMax);
      return false;
    }
    this.#output = this.#output.subarray(at + this.#opening.byteLength);
    this.#outputBegun = true;
    return true;
  }

  /** Takes a frame's header; false when it has not come whole. */
  #header(): boolean {
    const end = this.#output.indexOf(lineBreak);
    if (end < 0) {
      if (this.#output.byteLength > lineBytesMax) throw new GarbledReply('a line without an end');
      return false;
    }
    const line = this.#output.toString('utf8', 0, end);
    this.#output = this.#output.subarray(end + 1);
    const frame = line.startsWith(this.#prefix)
      ? frameLine.exec(line.slice(this.#prefix.length))?.groups
      : undefined;
    const left = Number(frame?.['bytes']);
    if (frame === undefined || left === 0 || left > frameBytesMax) {
      throw new GarbledReply(`an unexpected line: ${printable(line)}`);
    }
    const id = Number(frame['id']);
    const stream = frame['letter'] === 'o' ? 'stdout' : 'stderr';
    this.#events.announced(id, stream, left);
    this.#frame = { id, stream, left };
    return true;
  }
}
