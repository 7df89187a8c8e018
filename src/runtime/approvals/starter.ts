/** Who started an execution, and who is asking now, by the names under which the operating system knows one person. */
import { readFileSync } from 'node:fs';
import type { ExecutionRow, ExecutionSettings } from '../../journal/index.ts';

type Behind = Pick<ExecutionSettings, 'startedFor' | 'loginUser'>;

/**
 * The person behind an account that several use. Root alone can say for whom it acts: sudo tells it. Who has logged in is the
 * kernel's word (audit), which sudo and su do not change.
 */
export function personBehind(env: NodeJS.ProcessEnv): Behind {
  const user = env['SUDO_USER'];
  const bySudo = process.geteuid?.() === 0 && user !== undefined && user !== '' && user !== 'root';
  const login = loginUser();
  return {
    ...(bySudo ? { startedFor: user } : {}),
    ...(login === undefined ? {} : { loginUser: login }),
  };
}

/** All names of whoever started it. */
export function startersOf({ settings }: Pick<ExecutionRow, 'settings'>): readonly string[] {
  const { startedBy, startedFor, loginUser: login } = settings;
  return [...new Set([startedBy, startedFor, login].filter((name) => name !== undefined))];
}

/** Whether one who is no more than a user of this machine has started it. `caller`: the operating-system user. */
export function hasStarted(
  row: Pick<ExecutionRow, 'settings'>,
  caller: string,
  env: NodeJS.ProcessEnv,
): boolean {
  const { startedFor, loginUser: login } = personBehind(env);
  const names = [startedFor, login].filter((name) => name !== undefined);
  return (names.length === 0 ? [caller] : names).some((name) => startersOf(row).includes(name));
}

/** Undefined: nobody has logged in (a service, a container), or it was root. */
function loginUser(): string | undefined {
  try {
    const id = readFileSync('/proc/self/loginuid', 'utf8').trim();
    const row = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .find((each) => each[2] === id);
    return id === '0' ? undefined : row?.[0];
  } catch {
    return undefined;
  }
}
