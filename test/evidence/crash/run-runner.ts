/** Starts the killable runner as a process of its own and waits for its end, however it comes. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { ExecutionResult } from '../../../src/engine/index.ts';
import type { Bed } from './bed.ts';
import type { Cut, Passed } from './scissors.ts';

const program = fileURLToPath(new URL('runner.ts', import.meta.url));
/** Far more than any run takes; a runner that hangs is a failure of the series. */
const runnerSecondsMax = 180;

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

export async function runRunner(bed: Bed, stateDir: string, id: string, cut?: Cut): Promise<RunnerEnd> {
  const subprocess = execa(
    process.execPath,
    [program, stateDir, id, ...(cut === undefined ? [] : [JSON.stringify(cut)])],
    {
      env: bed.env,
      extendEnv: false,
      cwd: bed.folder,
      reject: false,
      stdin: 'ignore',
      timeout: runnerSecondsMax * 1000,
    },
  );
  const { stdout, stderr, signal, exitCode } = await subprocess;
  const lines = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Passed | Ending);
  return {
    pid: subprocess.pid ?? 0,
    signal,
    exitCode,
    passed: lines.filter((line) => 'point' in line),
    ending: lines.find((line) => 'kind' in line),
    stderr,
  };
}

/** Ends the ssh masters that a killed runner left to their idle time: the test cleans up what it started. */
export function endMastersOf(pid: number): void {
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(`/proc/${entry}/cmdline`, 'utf8');
      if (words.startsWith('ssh') && words.includes(`/belay-ssh-${pid}-`))
        process.kill(Number(entry), 'SIGTERM');
    } catch {
      // It ended by itself meanwhile.
    }
  }
}
