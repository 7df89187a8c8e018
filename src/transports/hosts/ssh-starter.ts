/**
 * Starts ssh processes whose output goes to files, by a shell that is kept for that. Each start from this process itself would copy the
 * tables of all its memory, milliseconds at a time in which nothing else is done; a shell is small. What it started goes on
 * when this process ends.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Socket } from 'node:net';
import { shellQuote, shellWords } from './protocol/quote.ts';

/** Each line is a program of its own; a line break within a word of it is `$nl`. */
const loop = `nl='
'
while IFS= read -r line; do eval "$line"; done`;
/** Line breaks stand between quotes only. */
const lineBreak = `'"$nl"'`;
const startedLine = /^(?<id>\d+) started (?<pid>\d+)$/;
const endedLine = /^(?<id>\d+) ended (?<code>\d+)$/;

export interface Started {
  /** The exit code; undefined where nobody knows it. Never rejects. */
  readonly ended: Promise<number | undefined>;
  kill(): void;
}

interface Waiting {
  readonly tell: (exitCode: number | undefined) => void;
  pid: number | undefined;
  isKilled: boolean;
}

export class Starter {
  readonly #waiting = new Map<number, Waiting>();
  #shell: ChildProcess | undefined;
  #starts = 0;

  /** Its standard error goes to the end of the file; its input is empty, and its output goes nowhere. */
  start(words: readonly string[], errors: string): Started {
    this.#starts += 1;
    const id = this.#starts;
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    const waiting: Waiting = { tell: resolve, pid: undefined, isKilled: false };
    const program = `{ ${shellWords(words)} </dev/null >/dev/null 2>>${shellQuote(errors)} & echo "${id} started $!"; wait $!; echo "${id} ended $?"; } &`;
    this.#waiting.set(id, waiting);
    (this.#shell ?? this.#open()).stdin?.write(`${program.replaceAll('\n', lineBreak)}\n`);
    return {
      ended: promise,
      kill: () => {
        waiting.isKilled = true;
        killed(waiting);
      },
    };
  }

  /** What it started goes on. */
  close(): void {
    this.#shell?.stdin?.end();
    this.#shell = undefined;
  }

  #open(): ChildProcess {
    // A session of its own: Ctrl-C does not reach what it starts.
    const shell = spawn('/bin/sh', ['-c', loop], { stdio: ['pipe', 'pipe', 'ignore'], detached: true });
    this.#shell = shell;
    const gone = (): void => {
      if (this.#shell === shell) this.#shell = undefined;
      for (const { tell } of this.#waiting.values()) tell(undefined);
      this.#waiting.clear();
    };
    shell.on('error', gone).on('close', gone);
    shell.stdin.on('error', () => {});
    createInterface({ input: shell.stdout }).on('line', (line) => this.#hear(line));
    shell.unref();
    for (const stream of [shell.stdin, shell.stdout]) if (stream instanceof Socket) stream.unref();
    return shell;
  }

  #hear(line: string): void {
    const started = startedLine.exec(line)?.groups;
    const begun = this.#waiting.get(Number(started?.['id']));
    if (begun !== undefined) {
      begun.pid = Number(started?.['pid']);
      if (begun.isKilled) killed(begun);
      return;
    }
    const ended = endedLine.exec(line)?.groups;
    const id = Number(ended?.['id']);
    this.#waiting.get(id)?.tell(Number(ended?.['code']));
    this.#waiting.delete(id);
  }
}

function killed({ pid }: Waiting): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // It has ended.
  }
}
