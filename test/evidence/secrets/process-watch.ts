/**
 * Reads the command lines of all processes of this machine, those of lab hosts among them, again and again in a process
 * of its own, and keeps those in which one of the needles stands.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Watched {
  /** Command lines that held a needle. */
  readonly caught: readonly string[];
  /** How often the whole table was read, and the longest time between two readings. */
  readonly rounds: number;
  readonly longestGapMs: number;
}

export class ProcessWatch {
  readonly #child: ChildProcess;

  private constructor() {
    this.#child = fork(fileURLToPath(import.meta.url), ['watch'], { execArgv: [] });
  }

  /** Resolves when it watches. The needles go over a channel: they stand in no command line. */
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
  return { caught: [...caught], rounds, longestGapMs };
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
