/** Finds belay.yaml: the flag, BELAY_CONFIG, then the working folder up to the git root, then the XDG config home. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { parseInventory, type Inventory } from '../inventory/index.ts';
import { readText } from './read-text.ts';
import { Refusal } from './refusal.ts';

export interface Configuration {
  /** Absolute; null: there is none. */
  readonly file: string | null;
  readonly inventory: Inventory | null;
}

export function findConfiguration(cwd: string, env: NodeJS.ProcessEnv): Configuration {
  const file = findFile(cwd, env);
  return file === null ? { file, inventory: null } : readConfiguration(file);
}

export function readConfiguration(file: string): Configuration {
  const source = readText(file);
  const folder = dirname(file);
  const { inventory, diagnostics } = parseInventory(source, {
    resolvePath: (path) => expandPath(path, folder),
  });
  if (inventory === undefined) {
    throw new Refusal('usage', 'BAD_CONFIGURATION', 'the configuration is not right', {
      diagnostics,
      sources: [source],
    });
  }
  return { file, inventory };
}

function findFile(cwd: string, env: NodeJS.ProcessEnv): string | null {
  const given = env['BELAY_CONFIG'];
  if (given !== undefined && given !== '') return resolve(cwd, given);
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const file = join(folder, 'belay.yaml');
    if (existsSync(file)) return file;
    if (existsSync(join(folder, '.git')) || dirname(folder) === folder) break;
  }
  const base = env['XDG_CONFIG_HOME'];
  const file = join(
    base !== undefined && isAbsolute(base) ? base : join(homedir(), '.config'),
    'belay',
    'belay.yaml',
  );
  return existsSync(file) ? file : null;
}

function expandPath(path: string, folder: string): string {
  if (path === '~' || path.startsWith('~/')) return join(homedir(), path.slice(1));
  return resolve(folder, path);
}
