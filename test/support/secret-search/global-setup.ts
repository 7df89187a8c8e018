/** Around all tests of a run: the folder for the search, the watch of execve; afterwards the search, which fails the run. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExecWatch, watchMissing } from '../exec-watch/exec-watch.ts';
import { runFolderVariable } from './registry.ts';
import { searchRun } from './search.ts';

const prefix = 'belay-test-run-';

export default async function setup(): Promise<() => Promise<void>> {
  removeLeftovers();
  const folder = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  process.env[runFolderVariable] = folder;
  const watch = await ExecWatch.begin(join(folder, 'execs.jsonl'));
  return async () => {
    try {
      const seen = await watch?.log.place();
      const lost = await watch?.end();
      const began = performance.now();
      const { found, secrets, files, bytes, execs } = await searchRun(folder, watch?.log.file);
      const took = `${Math.round(performance.now() - began)} ms`;
      console.log(
        `secrets: ${secrets} made by tests, searched for in ${files} files (${(bytes / 1e6).toFixed(1)} MB) and ` +
          `${seen === undefined ? `no arguments (${watchMissing() ?? ''})` : `the arguments of ${execs} execve`}: ${took}`,
      );
      const trouble = [
        ...found.map((what) => `a secret of the tests can be read: ${what}`),
        ...(lost === undefined || lost === 0 ? [] : [`the watch of execve lost ${lost} records`]),
      ];
      for (const line of trouble) console.error(`secrets: ${line}`);
      if (trouble.length > 0) process.exitCode = 1;
    } catch (error) {
      console.error('secrets: the search after the tests failed:', error);
      process.exitCode = 1;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

/** Folders of runs that were killed: they hold secrets of tests, and everybody's arguments. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid)))
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
