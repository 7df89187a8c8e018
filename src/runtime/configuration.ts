/**
 * Finds belay.yaml: BELAY_CONFIG (`--config`), then the working folder and, inside a git repository, those above it up to its root; then the
 * XDG config home. Never further up: a file that somebody laid into a folder of all is not ours.
 */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { SourceText } from '../document/index.ts';
import { parseInventory, type Inventory } from '../inventory/index.ts';
import { readText } from './read-text.ts';
import { Refusal } from './refusal.ts';

export interface Configuration {
  /** Absolute; null: there is none. */
  readonly file: string | null;
  readonly inventory: Inventory | null;
}

/** Where Belay gets its configuration from: files, or a caller who has none and hands the text over. */
export interface Configurations {
  /** The one that is in force here. Throws Refusal. */
  find(): Configuration;
  /** The one that an execution was started with, as it is now. Throws Refusal, also where it is gone. */
  read(file: string): Configuration;
  /** Whether `read` would find it. */
  has(file: string): boolean;
}

/** belay.yaml, as it is found from a working folder. */
export function configurationFiles(cwd: string, env: NodeJS.ProcessEnv): Configurations {
  return {
    find: () => findConfiguration(cwd, env),
    read: (file) => readConfiguration(file, env),
    has: (file) => existsSync(file),
  };
}

/** The one text that a caller without files hands over; paths in it are taken from the root folder. */
export function configurationText(source: SourceText): Configurations {
  const find = (): Configuration => parsed(source, '/');
  return { find, read: find, has: (file) => file === source.file };
}

export function findConfiguration(cwd: string, env: NodeJS.ProcessEnv): Configuration {
  const file = findFile(cwd, env);
  return file === null ? { file, inventory: null } : readConfiguration(file, env);
}

/** Throws Refusal. */
export function readConfiguration(file: string, env: NodeJS.ProcessEnv = process.env): Configuration {
  return parsed(readText(file, { env }), dirname(file));
}

function parsed(source: SourceText, folder: string): Configuration {
  const { inventory, diagnostics } = parseInventory(source, {
    resolvePath: (path) => expandPath(path, folder),
  });
  if (inventory === undefined) {
    throw new Refusal('usage', 'BAD_CONFIGURATION', 'the configuration is not right', {
      diagnostics,
      sources: [source],
    });
  }
  return { file: source.file, inventory };
}

function findFile(cwd: string, env: NodeJS.ProcessEnv): string | null {
  const given = env['BELAY_CONFIG'];
  if (given !== undefined && given !== '') return resolve(cwd, given);
  for (const folder of foldersUpToRoot(resolve(cwd))) {
    const file = join(folder, 'belay.yaml');
    if (existsSync(file)) return file;
  }
  const base = env['XDG_CONFIG_HOME'];
  const file = join(
    base !== undefined && isAbsolute(base) ? base : join(homedir(), '.config'),
    'belay',
    'belay.yaml',
  );
  return existsSync(file) ? file : null;
}

/** The folder and those above it up to the root of its repository; outside of a repository, the folder alone. */
function foldersUpToRoot(start: string): string[] {
  const folders: string[] = [];
  for (let folder = start; ; folder = dirname(folder)) {
    folders.push(folder);
    if (existsSync(join(folder, '.git'))) return folders;
    if (dirname(folder) === folder) return [start];
  }
}

function expandPath(path: string, folder: string): string {
  if (path === '~' || path.startsWith('~/')) return join(homedir(), path.slice(1));
  return resolve(folder, path);
}
