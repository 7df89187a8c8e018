/** Starts the killable runner as a process of its own and waits for its end, however it comes. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { ExecutionResult } from '../../../src/engine/index.ts';
import { builtCrashRunner } from '../../support/built.ts';
import type { Bed } from './bed.ts';
import type { Cut, Passed } from './scissors.ts';

/** Far more than any run takes; a runner that hangs is a failure of the series. */
const runnerSecondsMax = 180;

/** What a runner is started with. */
export type RunnerBed = Pick<Bed, 'env' | 'folder'>;

export interface RunnerEnd {
  readonly pid: number;
  /** `SIGKILL` after a cut. */
  readonly signal: string | undefined;
  readonly exitCode: number | undefined;
  readonly passed: readonly Passed[];
  readonly ending: Ending | undefined;
  readonly stderr: string;
}

export type Ending =
  | { readonly kind: 'ended'; readonly result: ExecutionResult }
  | { readonly kind: 'left'; readonly reason: string }
  | { readonly kind: 'refused'; readonly code: string };

export function runRunner(bed: RunnerBed, stateDir: string, id: string, cut?: Cut): Promise<RunnerEnd> {
  return beginRunner(bed, stateDir, id, cut).ended;
}

/** `ended` never rejects for what the runner does. */
export function beginRunner(
  bed: RunnerBed,
  stateDir: string,
  id: string,
  cut?: Cut,
): { readonly pid: number; readonly ended: Promise<RunnerEnd> } {
  const words = [builtCrashRunner(), stateDir, id, ...(cut === undefined ? [] : [JSON.stringify(cut)])];
  const subprocess = execa(process.execPath, words, {
    env: bed.env,
    extendEnv: false,
    cwd: bed.folder,
    reject: false,
    stdin: 'ignore',
    timeout: runnerSecondsMax * 1000,
  });
  const pid = subprocess.pid ?? 0;
  const ended = subprocess.then(({ stdout, stderr, signal, exitCode }) => {
    const lines = stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Passed | Ending);
    return {
      pid,
      signal,
      exitCode,
      passed: lines.filter((line) => 'point' in line),
      ending: lines.find((line) => 'kind' in line),
      stderr,
    };
  });
  return { pid, ended };
}

/** Pids of the ssh masters of a runner: its bastion's and its hosts'. */
export function mastersOf(pid: number): number[] {
  return sshProcessesOf(pid)
    .filter(({ words }) => words.includes(' -N '))
    .map(({ pid }) => pid);
}

/** A killed runner leaves its masters to their idle time, and their sockets to the next one: the test cleans up what it started. */
export function endMastersOf(pid: number): void {
  for (const { pid: ssh } of sshProcessesOf(pid)) {
    try {
      process.kill(ssh, 'SIGTERM');
    } catch {
      // It ended by itself meanwhile.
    }
  }
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(`belay-ssh-${pid}-`)))
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
}

function sshProcessesOf(runner: number): { readonly pid: number; readonly words: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), words: wordsOf(name) }))
    .filter(({ words }) => words.startsWith('ssh') && words.includes(`/belay-ssh-${runner}-`));
}

/** A process's words; empty when it is gone. */
function wordsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
