/**
 * Command lines of this machine, those of lab hosts among them, in which one of the needles stands: of every execve where the kernel's
 * audit can be read; else of the processes that are seen by reading /proc again and again in a process of its own, which misses
 * those that end between two readings.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ExecLog, watchMissing } from '../../support/exec-watch/exec-watch.ts';

export interface Watched {
  /** Command lines that held a needle. */
  readonly caught: readonly string[];
  /** How many command lines (audit) or tables of processes (polling) were looked at, and the same in words. */
  readonly looked: number;
  readonly how: string;
}

export interface CommandLineWatch {
  end(): Promise<Watched>;
}

/** Resolves when it watches. */
export async function beginWatch(needles: readonly string[]): Promise<CommandLineWatch> {
  const log = ExecLog.ofRun();
  if (log === undefined) return ProcessWatch.begin(needles);
  const place = await log.place();
  return {
    end: async () => {
      const lines = (await log.since(place)).map(({ argv }) => argv.join(' '));
      const caught = lines.filter((line) => needles.some((needle) => line.includes(needle)));
      return { caught, looked: lines.length, how: `the arguments of all ${lines.length} execve were read` };
    },
  };
}

class ProcessWatch implements CommandLineWatch {
  readonly #child: ChildProcess;

  private constructor() {
    this.#child = fork(fileURLToPath(import.meta.url), ['watch'], { execArgv: [] });
  }

  /** The needles go over a channel: they stand in no command line. */
  static async begin(needles: readonly string[]): Promise<ProcessWatch> {
    const watch = new ProcessWatch();
    watch.#child.send(needles);
    await once(watch.#child, 'message');
    return watch;
  }

  async end(): Promise<Watched> {
    this.#child.send('stop');
    const [watched] = (await once(this.#child, 'message')) as [Watched];
    this.#child.disconnect();
    return watched;
  }
}

async function watchFor(needles: readonly string[], isStopped: () => boolean): Promise<Watched> {
  const caught = new Set<string>();
  let rounds = 0;
  let longestGapMs = 0;
  for (let last = performance.now(); !isStopped(); rounds += 1) {
    for (const entry of readdirSync('/proc')) {
      if (!/^\d/.test(entry)) continue;
      const line = commandLine(entry);
      if (needles.some((needle) => line.includes(needle))) caught.add(line);
    }
    const now = performance.now();
    longestGapMs = Math.max(longestGapMs, now - last);
    last = now;
    await new Promise(setImmediate);
  }
  const how =
    `command lines of all processes were read ${rounds} times, at most ${longestGapMs.toFixed(0)} ms apart ` +
    `(${watchMissing() ?? ''})`;
  return { caught: [...caught], looked: rounds, how };
}

/** Empty when the process has ended meanwhile. */
function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

if (process.argv[2] === 'watch' && process.send !== undefined) {
  const [needles] = (await once(process, 'message')) as [readonly string[]];
  let isStopped = false;
  process.once('message', () => (isStopped = true));
  process.send('watching');
  process.send(await watchFor(needles, () => isStopped));
}
