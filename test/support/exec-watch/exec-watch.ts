/**
 * The arguments of every execve of this machine while the tests run, lab hosts and their namespaces among them, as the kernel's
 * audit saw them: no process is too short-lived for it. One watch serves a whole run (`secret-search/global-setup.ts` begins
 * it); a test reads what was started since a place in its log.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const script = join(import.meta.dirname, 'audit-execs.py');
/** Where the log of the run's watch is, for all processes of the run. */
const variable = 'BELAY_TEST_EXECS';
/** The kernel's reader is behind by milliseconds; a loaded machine gets this long. */
const fenceMs = 20_000;

export interface Started {
  readonly pid: number;
  /** Bytes as latin-1. */
  readonly argv: readonly string[];
}

/** The log of a watch that goes on meanwhile. */
export class ExecLog {
  readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  /** The watch of this run of the tests; undefined when there is none (see `watchMissing`). */
  static ofRun(): ExecLog | undefined {
    const file = process.env[variable];
    return file === undefined || file === '' ? undefined : new ExecLog(file);
  }

  /** The place behind everything that was started until now. */
  async place(): Promise<number> {
    const fence = `belay-fence-${randomBytes(8).toString('hex')}`;
    const from = this.#bytes();
    await promisify(execFile)('/bin/true', [fence]);
    for (const until = Date.now() + fenceMs; Date.now() < until;) {
      const at = readFrom(this.file, from).indexOf(`${fence}"]}\n`);
      if (at !== -1) return from + at + fence.length + 4;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`the watch of execve does not see what is started: ${this.file} holds no ${fence}`);
  }

  /** What was started between that place and now. Throws when the watch has stopped seeing. */
  async since(place: number): Promise<Started[]> {
    const to = await this.place();
    return parsed(readFrom(this.file, place, to));
  }

  #bytes(): number {
    const file = openSync(this.file, 'r');
    try {
      return fstatSync(file).size;
    } finally {
      closeSync(file);
    }
  }
}

export function parsed(lines: Buffer): Started[] {
  return lines
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Started);
}

/** Why the run has no watch, in one sentence; undefined when it has one. */
export function watchMissing(): string | undefined {
  return ExecLog.ofRun() === undefined
    ? (process.env[`${variable}_MISSING`] ?? 'no watch of execve was begun for this run')
    : undefined;
}

/** Begins the watch and tells all processes that are started from here. Ends with `end`, or with this process. */
export class ExecWatch {
  readonly log: ExecLog;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(file: string, child: ChildProcess, lines: AsyncIterator<string>) {
    this.log = new ExecLog(file);
    this.#child = child;
    this.#lines = lines;
  }

  static async begin(file: string): Promise<ExecWatch | undefined> {
    const missing = await (async () => {
      const unable = unavailable();
      if (unable !== undefined) return unable;
      const child = spawn('python3', [script, file], { stdio: ['pipe', 'pipe', 'inherit'] });
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const first = await lines.next();
      const said = first.done === true ? 'the watch ended at once' : first.value;
      return said === 'watching' ? new ExecWatch(file, child, lines) : said.replace(/^cannot: /, '');
    })();
    if (typeof missing === 'string') {
      process.env[`${variable}_MISSING`] = missing;
      return undefined;
    }
    process.env[variable] = file;
    return missing;
  }

  /** Resolves with how many records the kernel could not keep, when it says so; the kernel's audit is as before then. */
  async end(): Promise<number> {
    const ended = this.#child.exitCode === null ? once(this.#child, 'exit') : undefined;
    this.#child.stdin?.end();
    const last = await this.#lines.next();
    await ended;
    if (last.done === true) throw new Error('the watch of execve ended before the tests did');
    return (JSON.parse(last.value) as { lost: number }).lost;
  }
}

function unavailable(): string | undefined {
  if (process.platform !== 'linux') return 'the audit of execve needs Linux';
  if (process.getuid?.() !== 0) return 'the audit of execve needs root';
  const hasPython = (process.env['PATH'] ?? '')
    .split(':')
    .some((folder) => existsSync(join(folder, 'python3')));
  return hasPython ? undefined : 'the audit of execve needs python3';
}

/** Bytes of the file between two places, at most what is there. */
function readFrom(file: string, from: number, to = Number.MAX_SAFE_INTEGER): Buffer {
  const opened = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(Math.max(0, Math.min(to, fstatSync(opened).size) - from));
    let read = 0;
    while (read < bytes.length) {
      const more = readSync(opened, bytes, read, bytes.length - read, from + read);
      if (more === 0) break;
      read += more;
    }
    return bytes.subarray(0, read);
  } finally {
    closeSync(opened);
  }
}
