/** Where state lives: `--state`, else BELAY_STATE, else belay/ under the XDG state home (XDG Base Directory Specification). */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

export function stateDirOf(flag: string | undefined, env: NodeJS.ProcessEnv): string {
  const given = flag ?? env['BELAY_STATE'];
  if (given !== undefined && given !== '') return resolve(given);
  const base = env['XDG_STATE_HOME'];
  return join(
    base !== undefined && base.startsWith('/') ? base : join(homedir(), '.local', 'state'),
    'belay',
  );
}

/** Lock, logs and sandbox world of one execution. */
export function executionDir(stateDir: string, executionId: string): string {
  return join(stateDir, 'executions', executionId);
}
