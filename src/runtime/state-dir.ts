/** Where state lives: `--state`, else BELAY_STATE, else belay/ under the XDG state home (XDG Base Directory Specification). */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ownPartOf, rootOf } from './child-id.ts';
import { untrusted } from './read-text.ts';
import { distrust } from './trust.ts';

export function stateDirOf(flag: string | undefined, env: NodeJS.ProcessEnv): string {
  const given = flag ?? env['BELAY_STATE'];
  if (given !== undefined && given !== '') return resolve(given);
  const base = env['XDG_STATE_HOME'];
  return join(
    base !== undefined && base.startsWith('/') ? base : join(homedir(), '.local', 'state'),
    'belay',
  );
}

/** Makes the folder where it is missing. Throws Refusal where others may write it, and what the file system says. */
export function openStateDir(stateDir: string, env: NodeJS.ProcessEnv): void {
  makeFolders(stateDir);
  const trouble = distrust(stateDir, statSync(stateDir), env);
  if (trouble !== undefined) throw untrusted(stateDir, trouble, 'so no execution is kept or read there');
}

/** One after the other: Node's own recursion never ends below /proc. */
function makeFolders(folder: string): void {
  const missing: string[] = [];
  for (let at = folder; !existsSync(at) && dirname(at) !== at; at = dirname(at)) missing.unshift(at);
  for (const each of missing) {
    try {
      mkdirSync(each, { mode: 0o700 });
    } catch (error) {
      // Another process was faster.
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
  }
}

/** Lock, logs and sandbox world of one execution; of a child its logs, in the folder of its root. */
export function executionDir(stateDir: string, executionId: string): string {
  const own = ownPartOf(executionId);
  const root = join(stateDir, 'executions', rootOf(executionId));
  return own === undefined ? root : join(root, 'children', own);
}
