/**
 * What Node made of our files is kept between runs, which saves a quarter of what a start costs. It is run as it lies there, so it is
 * kept only where nobody else can write: a folder of the user, closed to others, on a way that others cannot turn.
 */
import { lstatSync, mkdirSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { enableCompileCache, getCompileCacheDir } from 'node:module';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';

const closed = 0o700;
const othersMayWrite = 0o022;
const isSticky = 0o1000;
const root = 0;

/** No folder is made where Node keeps it elsewhere already (NODE_COMPILE_CACHE), or is told not to. Never throws. */
export function keepCompiled(version: string, env: NodeJS.ProcessEnv): void {
  if (getCompileCacheDir() !== undefined || (env['NODE_DISABLE_COMPILE_CACHE'] ?? '') !== '') return;
  try {
    const user = process.getuid?.();
    const folder = user === undefined ? undefined : compileFolder(version, env, user);
    if (folder !== undefined) enableCompileCache(folder);
  } catch {
    // It is only slower.
  }
}

/**
 * The folder for this version, made where it is missing; what other versions kept is removed then. Undefined where somebody else
 * could write there. Throws the system's errors.
 */
export function compileFolder(version: string, env: NodeJS.ProcessEnv, user: number): string | undefined {
  const given = env['XDG_CACHE_HOME'] ?? '';
  const cache = isAbsolute(given) ? given : join(homedir(), '.cache');
  const all = join(cache, 'belay', 'compiled');
  const folder = join(all, version);
  // Before anything is made: root with the home of somebody else leaves nothing of root's there.
  if (!isOwn(nearest(folder), user)) return undefined;
  if (mkdirSync(folder, { recursive: true, mode: closed }) !== undefined) {
    if (!isOwn(all, user)) return undefined;
    for (const other of readdirSync(all)) {
      if (other !== version) rmSync(join(all, other), { recursive: true, force: true });
    }
  }
  return isOwn(folder, user) ? folder : undefined;
}

/** The folder itself, or the one above it in which it would be made. */
function nearest(folder: string): string {
  let above = folder;
  while (lstatSync(above, { throwIfNoEntry: false }) === undefined) above = dirname(above);
  return above;
}

function isOwn(folder: string, user: number): boolean {
  const { mode, uid } = lstatSync(folder);
  if (uid !== user || (mode & othersMayWrite) !== 0 || realpathSync(folder) !== folder) return false;
  for (let above = dirname(folder); ; above = dirname(above)) {
    const held = lstatSync(above);
    const isOurs = held.uid === user || held.uid === root;
    if (!isOurs || ((held.mode & othersMayWrite) !== 0 && (held.mode & isSticky) === 0)) return false;
    if (above === dirname(above)) return true;
  }
}
