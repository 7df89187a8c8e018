/** Reads log files of steps, and what has been added to them since the last look. */
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { logFileName } from '../runtime/logs.ts';
import { printableLines } from './view/printable.ts';

export interface LogReaderOptions {
  /** Bytes as they are; else without control sequences. */
  readonly raw: boolean;
  /** Resolves when the text has been taken: one chunk is in memory at a time. */
  readonly out: (text: string) => Promise<void>;
  /** A line above a file's text. */
  readonly head: (line: string) => void;
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

  constructor(dir: string, options: LogReaderOptions) {
    this.#dir = dir;
    this.#options = options;
  }

  /** Gives out what is new, in the order of the steps. */
  async read(steps: readonly string[]): Promise<void> {
    const files = this.#files();
    for (const step of steps) {
      // The file name without its target: what stands before the `@`.
      const [stem = ''] = logFileName(step, '', 'stdout').split('@');
      for (const file of files) if (file.startsWith(`${stem}@`)) await this.#readOn(file, step);
    }
  }

  #files(): string[] {
    try {
      return readdirSync(this.#dir).sort((left, right) => (orderOf(left) < orderOf(right) ? -1 : 1));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw error;
    }
  }

  async #readOn(file: string, step: string): Promise<void> {
    const position = this.#positions.get(file) ?? { offset: 0, decoder: new StringDecoder('utf8') };
    this.#positions.set(file, position);
    const descriptor = openSync(join(this.#dir, file), 'r');
    try {
      // A resumed runner writes a file anew from its beginning.
      if (fstatSync(descriptor).size < position.offset) position.offset = 0;
      const buffer = Buffer.alloc(chunkBytes);
      for (;;) {
        const count = readSync(descriptor, buffer, 0, chunkBytes, position.offset);
        if (count === 0) return;
        position.offset += count;
        await this.#tell(file, step, position.decoder.write(buffer.subarray(0, count)));
      }
    } finally {
      closeSync(descriptor);
    }
  }

  async #tell(file: string, step: string, text: string): Promise<void> {
    if (text === '') return;
    this.told.add(step);
    if (this.#lastFile !== file) this.#options.head(`== ${headOf(file, step)}`);
    this.#lastFile = file;
    await this.#options.out(this.#options.raw ? text : printableLines(text));
  }
}

/** A target's stdout comes before its stderr. */
function orderOf(file: string): string {
  return file.replace(/\.stdout$/, '.0').replace(/\.stderr$/, '.1');
}

/** `Patch  db1  stdout`. */
function headOf(file: string, step: string): string {
  const [, target = '', stream = ''] = /@(.*)\.(stdout|stderr)$/.exec(file) ?? [];
  return [step, decodeURIComponent(target), stream].filter((part) => part !== '').join('  ');
}
