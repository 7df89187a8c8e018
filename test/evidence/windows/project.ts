/** A project with windows in a folder of its own: what its runs did can be counted, and its daemon is a process that can be killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openWindowStore } from '../../../src/journal/index.ts';
import { occurrenceOf } from '../../../src/runtime/windows/stored.ts';
import type { Occurrence } from '../../../src/windows/index.ts';
import { BelayFolder, type Ended } from '../../cli/belay-process.ts';
import { builtBelay } from '../../support/built.ts';
import type { DaemonWish } from './daemon-process.ts';

const script = join(import.meta.dirname, 'daemon-process.ts');

export interface DaemonEnd {
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Going {
  readonly child: ChildProcess;
  readonly ended: Promise<DaemonEnd>;
  /** What it has logged so far. */
  log(): string;
}

export class Project implements Disposable {
  readonly files = new BelayFolder();
  readonly #going: ChildProcess[] = [];

  #env: Readonly<Record<string, string>>;

  /** `inventory`: of belay.yaml. `env`: of its daemon and its runs, beside the usual. */
  constructor(
    inventory = 'hosts: { here: { transport: local } }\n',
    env: Readonly<Record<string, string>> = {},
  ) {
    mkdirSync(join(this.files.dir, 'windows'));
    this.files.write('belay.yaml', inventory);
    this.#env = env;
  }

  /** More of the environment of its daemon and its runs. */
  env(more: Readonly<Record<string, string>>): void {
    this.#env = { ...this.#env, ...more };
  }

  run(...args: readonly string[]): Promise<Ended> {
    return this.files.run(args, this.#env);
  }

  get out(): string {
    return join(this.files.dir, 'out.txt');
  }

  /** What its runs wrote. */
  get lines(): readonly string[] {
    return existsSync(this.out) ? readFileSync(this.out, 'utf8').trim().split('\n') : [];
  }

  /** Adds a channel that writes down what it is told: subjects by line, and texts in a file of their own. */
  channel(): void {
    const file = join(this.files.dir, 'belay.yaml');
    const write = `echo "$BELAY_EVENT: $BELAY_SUBJECT" >>${this.#told('subjects')}; cat >>${this.#told('texts')}`;
    const channel = `notify: { book: { command: [sh, -c, ${JSON.stringify(write)}] } }\n`;
    this.files.write('belay.yaml', `${readFileSync(file, 'utf8')}${channel}`);
  }

  #told(what: 'subjects' | 'texts'): string {
    return join(this.files.dir, `told-${what}.txt`);
  }

  /** What the channel was told. */
  told(what: 'subjects' | 'texts'): string {
    return existsSync(this.#told(what)) ? readFileSync(this.#told(what), 'utf8') : '';
  }

  /** Appends a line and, after so many seconds, another. */
  runbook(name: string, seconds: number): void {
    const append = (line: string): string => `[sh, -c, 'echo ${name} ${line} >>${this.out}']`;
    this.files.write(
      `${name}.yaml`,
      `schemaVersion: '0.3'
description: Counts what it does.
timeoutSeconds: 300
rollback: { when: onFailure, timeoutSeconds: 60 }
mainSteps:
  - name: Begin
    action: host:command
    inputs: { Host: here, Command: ${append('begin')} }
    undo: [{ name: Back, action: 'host:command', inputs: { Host: here, Command: ${append('undone')} } }]
  - { name: Wait, action: 'aws:sleep', inputs: { Duration: PT${seconds}S } }
  - name: End
    action: host:command
    inputs: { Host: here, Command: ${append('end')} }
    undo: { none: it only counts }
`,
    );
  }

  /** A window that a daemon has seen ten minutes ago. */
  window(name: string, dueAt: number, more = ''): void {
    const at = new Date(dueAt).toISOString().slice(0, 19);
    // A slow machine may need longer than the minute in which a run is on time.
    const isLate = dueAt < Date.now() && !more.includes('MissedRuns:');
    const missed = isLate ? 'MissedRuns: { catchUp: PT1H }\n' : '';
    const tasks = more.includes('Tasks:') ? '' : `Tasks: [{ Name: ${name}, Runbook: ../${name}.yaml }]\n`;
    this.files.write(
      `windows/${name}.yaml`,
      `Name: ${name}\nSchedule: at(${at})\nDuration: 1\n${missed}${tasks}${more}\n`,
    );
    this.seenBefore(name, Math.min(dueAt, Date.now()) - 600_000);
  }

  /** What is due behind that instant is decided by the first daemon. */
  seenBefore(name: string, at: number): void {
    const store = openWindowStore(this.files.state);
    store.see(name, at);
    store.close();
  }

  daemon(wish: Partial<DaemonWish> = {}): Going {
    const whole: DaemonWish = {
      state: this.files.state,
      folder: this.files.dir,
      belay: builtBelay(),
      once: true,
      at: 0,
      side: 'before',
      ...wish,
    };
    const child = spawn(process.execPath, [script, JSON.stringify(whole)], {
      env: { ...this.files.env(), ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#going.push(child);
    const text = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (text.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (text.stderr += chunk.toString()));
    const ended = new Promise<DaemonEnd>((resolve) => {
      child.once('close', (_code, signal) => resolve({ signal, ...text }));
    });
    return { child, ended, log: () => text.stderr };
  }

  history(name: string): readonly Occurrence[] {
    const store = openWindowStore(this.files.state);
    try {
      return store.history(name, 10).map(occurrenceOf);
    } finally {
      store.close();
    }
  }

  [Symbol.dispose](): void {
    for (const child of this.#going) if (child.exitCode === null) child.kill('SIGKILL');
    this.files.clear();
  }
}

export async function until(what: string, holds: () => boolean, seconds = 90): Promise<void> {
  for (const giveUpAt = Date.now() + seconds * 1_000; !holds(); await sleep(100))
    if (Date.now() > giveUpAt) throw new Error(`${what} did not come within ${seconds} s`);
}
