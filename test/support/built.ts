/**
 * What tests start as a process of its own, bundled as `npm run build` bundles it: it is what people get, and it starts with
 * half the work of the sources. Made anew when a source has changed, once for all workers.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
const prefix = 'belay-test-built-';
const keptMs = 24 * 3_600_000;
/** What a bundle depends on. */
const sources = [
  'src/**/*.ts',
  'test/evidence/crash/*.ts',
  'rolldown.config.ts',
  'package.json',
  'package-lock.json',
];

let made: string | undefined;

/** The bundled command line. */
export const builtBelay = (): string => join(builtFolder(), 'belay.js');

/** The bundled runner of test/evidence/crash. */
export const builtCrashRunner = (): string => join(builtFolder(), 'crash-runner.js');

function builtFolder(): string {
  made ??= build();
  return made;
}

function build(): string {
  const folder = join(tmpdir(), `${prefix}${stateOfSources()}`);
  if (existsSync(folder)) return folder;
  removeOld();
  const scratch = mkdtempSync(join(tmpdir(), prefix));
  execFileSync(process.execPath, [join(import.meta.dirname, 'build.ts'), scratch], {
    cwd: root,
    stdio: 'pipe',
  });
  try {
    renameSync(scratch, folder);
  } catch (error) {
    // Another worker was faster; what it made is the same.
    rmSync(scratch, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

function stateOfSources(): string {
  const hash = createHash('sha256').update(root);
  for (const file of globSync(sources, { cwd: root }).toSorted()) {
    const { mtimeMs, size } = statSync(join(root, file));
    hash.update(`${file}\0${mtimeMs}\0${size}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}

function removeOld(): void {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(prefix)) continue;
    const folder = join(tmpdir(), name);
    const madeAt = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - madeAt > keptMs) rmSync(folder, { recursive: true, force: true });
  }
}
