/** `belay` as people start it: a process of its own, with a state folder and a working folder of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtBelay } from '../support/built.ts';

const root = join(import.meta.dirname, '..', '..');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves once stderr holds the text; rejects when the process ends without it. */
  says(text: string | RegExp): Promise<string>;
}

export class BelayFolder {
  readonly dir = mkdtempSync(join(tmpdir(), 'belay-cli-'));
  readonly state = join(this.dir, 'state');
  readonly #children: ChildProcess[] = [];

  write(name: string, text: string): string {
    const path = join(this.dir, name);
    writeFileSync(path, text);
    return path;
  }

  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    const child = spawn(process.execPath, [builtBelay(), ...args], {
      cwd: this.dir,
      env: { ...this.env(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.push(child);
    return follow(child);
  }

  run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    return this.start(args, env).ended;
  }

  /** No AWS, no colour by chance, no configuration from outside. */
  env(): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '',
      HOME: this.dir,
      LANG: 'C.UTF-8',
      TZ: 'UTC',
      BELAY_STATE: this.state,
      AWS_EC2_METADATA_DISABLED: 'true',
      // Every process reads the same sources; Node keeps what it made of them.
      NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'belay'),
    };
  }

  /** Ends what still runs and removes the folder. */
  clear(): void {
    for (const child of this.#children) if (child.exitCode === null) child.kill('SIGKILL');
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The execution's id: the first thing that a run says. */
export function idIn(stderr: string): string {
  const id = /\b[0-9A-HJKMNP-TV-Z]{12}\b/.exec(stderr)?.[0];
  if (id === undefined) throw new Error(`there is no execution id in:\n${stderr}`);
  return id;
}

function follow(child: ChildProcess): Running {
  const text = { stdout: '', stderr: '' };
  const listeners = new Set<() => void>();
  child.stdout?.on('data', (chunk: Buffer) => (text.stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => {
    text.stderr += chunk.toString();
    for (const listener of listeners) listener();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => resolve({ code, ...text }));
  });
  const says = (wanted: string | RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = typeof wanted === 'string' ? text.stderr.includes(wanted) : wanted.test(text.stderr);
        if (!found) return;
        listeners.delete(look);
        resolve(text.stderr);
      };
      listeners.add(look);
      void ended.then(({ stderr }) => reject(new Error(`ended without ${String(wanted)}:\n${stderr}`)));
      look();
    });
  return { child, ended, says };
}
