/** Reads log files of steps, and what has been added to them since the last look. Memory holds one chunk. */
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { logFileName } from '../runtime/logs.ts';
import { logFileOf, logHead, orderLogFiles, type LogFile } from './view/log-files.ts';
import { printableLines } from './view/printable.ts';

export interface LogReaderOptions {
  /** Bytes as they are; else text without control sequences. */
  readonly raw: boolean;
  /** Resolves when it has been taken. */
  readonly out: (data: string | Uint8Array) => Promise<void>;
  /** Whether nobody takes anything any more. */
  readonly isGone: () => boolean;
  /** A line above a file's text. `isOnly`: there is no other file. */
  readonly head: (line: string, isOnly: boolean) => void;
  /** Whether more files may come. */
  readonly mayGrow: boolean;
}

interface Position {
  offset: number;
  readonly decoder: StringDecoder;
}

const chunkBytes = 64 * 1024;

export class LogReader {
  /** Paths of steps that wrote something. */
  readonly told = new Set<string>();
  readonly #dir: string;
  readonly #options: LogReaderOptions;
  readonly #positions = new Map<string, Position>();
  #lastFile = '';
  #isAtLineStart = true;
  #isOnly = false;

  constructor(dir: string, options: LogReaderOptions) {
    this.#dir = dir;
    this.#options = options;
  }

  /** Gives out what is new, in the order of the steps. */
  async read(steps: readonly string[]): Promise<void> {
    const files = this.#files();
    const stems = new Set(steps.map((step) => logFileName(step, '', 'stdout').split('@')[0] ?? ''));
    this.#isOnly = !this.#options.mayGrow && files.filter(({ stem }) => stems.has(stem)).length === 1;
    for (const step of steps) {
      // The file name without its target: what stands before the `@`.
      const [stem = ''] = logFileName(step, '', 'stdout').split('@');
      for (const file of files) if (file.stem === stem) await this.#readOn(file, step);
    }
  }

  #files(): LogFile[] {
    try {
      return orderLogFiles(readdirSync(this.#dir).flatMap((name) => logFileOf(name) ?? []));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw error;
    }
  }

  async #readOn(file: LogFile, step: string): Promise<void> {
    const position = this.#positions.get(file.name) ?? { offset: 0, decoder: new StringDecoder('utf8') };
    this.#positions.set(file.name, position);
    const descriptor = openSync(join(this.#dir, file.name), 'r');
    try {
      // A resumed runner writes a file anew from its beginning.
      if (fstatSync(descriptor).size < position.offset) position.offset = 0;
      const buffer = Buffer.alloc(chunkBytes);
      while (!this.#options.isGone()) {
        const count = readSync(descriptor, buffer, 0, chunkBytes, position.offset);
        if (count === 0) return;
        position.offset += count;
        await this.#tell(file, step, buffer.subarray(0, count), position.decoder);
      }
    } finally {
      closeSync(descriptor);
    }
  }

  async #tell(file: LogFile, step: string, bytes: Uint8Array, decoder: StringDecoder): Promise<void> {
    const { raw, head, out } = this.#options;
    this.told.add(step);
    if (this.#lastFile !== file.name) {
      if (raw && !this.#isAtLineStart) await out('\n');
      head(logHead(file, step), this.#isOnly);
    }
    this.#lastFile = file.name;
    this.#isAtLineStart = bytes.at(-1) === 0x0a;
    await out(raw ? bytes : printableLines(decoder.write(Buffer.from(bytes))));
  }
}
