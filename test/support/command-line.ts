/**
 * Belay as people run it: `belay …`, bundled, in a process of its own, in a temporary folder, with an environment
 * that knows nothing of this machine's AWS, configuration or state.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { builtBelay } from './built.ts';
import { keepForSearch } from './secret-search/registry.ts';

/** Compiled modules are kept from one process to the next: half of the start-up time. */
const compileCache = join(tmpdir(), 'belay-test-compiled');

export interface Said {
  /** Null: a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Way {
  /** Beside the desk's own; undefined takes a name away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
  /** Another state folder than the desk's. */
  readonly state?: string;
  /** Another working folder than the desk's. */
  readonly cwd?: string;
}

/** The id of the execution that a run or a resume was about. Throws when it names none. */
export function idOf({ stderr }: Pick<Said, 'stderr'>): string {
  const id = /^\d\d:\d\d:\d\d ([0-9A-HJKMNP-TV-Z]{12})\b/m.exec(stderr)?.[1];
  if (id === undefined) throw new Error(`no execution is named:\n${stderr}`);
  return id;
}

/** A run under way. */
export interface Going {
  readonly pid: number;
  readonly process: ChildProcess;
  readonly said: Promise<Said>;
  /** What it has written so far. */
  soFar(): Said;
  /** Resolves when it has written something that matches; rejects when it ends without. */
  writes(pattern: RegExp): Promise<void>;
}

/** A folder in which a person works: belay.yaml, runbooks, a state folder. */
export class Desk implements Disposable {
  readonly folder: string;
  readonly state: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #going = new Set<ChildProcess>();

  constructor(env: Readonly<Record<string, string>> = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'belay-desk-'));
    this.state = join(this.folder, 'state');
    mkdirSync(join(this.folder, 'home'));
    this.#env = env;
  }

  /** Writes a file, as YAML when it is not text, and returns its path. */
  write(name: string, what: string | object): string {
    const file = join(this.folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof what === 'string' ? what : stringify(what));
    return file;
  }

  belay(words: readonly string[], way: Way = {}): Promise<Said> {
    return this.start(words, way).said;
  }

  start(words: readonly string[], way: Way = {}): Going {
    const child = spawn(process.execPath, [builtBelay(), ...words], {
      cwd: way.cwd ?? this.folder,
      env: this.#environment(way),
      stdio: 'pipe',
    });
    this.#going.add(child);
    const chunks: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
    const soFar = (): Said => ({
      code: child.exitCode,
      stdout: Buffer.concat(chunks.stdout).toString(),
      stderr: Buffer.concat(chunks.stderr).toString(),
    });
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].on('data', (chunk: Buffer) => chunks[stream].push(chunk));
    child.stdin.on('error', () => undefined);
    child.stdin.end(way.stdin ?? '');
    const said = once(child, 'close').then(() => {
      this.#going.delete(child);
      return soFar();
    });
    const writes = async (pattern: RegExp): Promise<void> => {
      const isThere = (): boolean => pattern.test(`${soFar().stdout}\n${soFar().stderr}`);
      while (!isThere()) {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(
            `it ended (${child.exitCode ?? child.signalCode}) before ${pattern}:\n${soFar().stderr}`,
          );
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    return { pid: child.pid ?? 0, process: child, said, soFar, writes };
  }

  /** Ends whatever is under way. */
  async endAll(): Promise<void> {
    const alive = [...this.#going].filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    );
    const ends = alive.map((child) => once(child, 'exit'));
    for (const child of alive) child.kill('SIGKILL');
    await Promise.all(ends);
  }

  [Symbol.dispose](): void {
    for (const child of this.#going) child.kill('SIGKILL');
    keepForSearch(this.state);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #environment({ env = {}, state = this.state }: Way): NodeJS.ProcessEnv {
    const all: Record<string, string | undefined> = {
      PATH: process.env['PATH'],
      HOME: join(this.folder, 'home'),
      LANG: 'C.UTF-8',
      BELAY_STATE: state,
      NODE_COMPILE_CACHE: compileCache,
      AWS_EC2_METADATA_DISABLED: 'true',
      ...this.#env,
      ...env,
    };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  }
}
