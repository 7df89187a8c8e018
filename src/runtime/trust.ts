/**
 * Whom files and folders of our own may belong to. Whoever may write belay.yaml decides which host a secret goes to, so it counts
 * only where nobody but the caller, root, or the person behind sudo may write it (as OpenSSH's StrictModes).
 */
import { readFileSync, type Stats } from 'node:fs';

/** What is wrong, and the command that puts it right. */
export interface Distrust {
  /** Completes "FILE …": `is owned by alice (1001)`. */
  readonly why: string;
  readonly mend: string;
}

const writableByGroup = 0o020;
const writableByOthers = 0o002;
const sticky = 0o1000;

/** Undefined: it can be trusted. A folder in which each may remove his own only (the sticky bit) counts as one that others may not write. */
export function distrust(
  path: string,
  { uid, gid, mode }: Pick<Stats, 'uid' | 'gid' | 'mode'>,
  env: NodeJS.ProcessEnv,
): Distrust | undefined {
  const own = process.geteuid?.();
  if (own === undefined) return undefined;
  const trusted = [0, own, ...(own === 0 ? numberIn(env['SUDO_UID']) : [])];
  if (!trusted.includes(uid)) {
    const why = `is owned by ${userName(uid)}, who could change it`;
    return { why, mend: `chown ${userName(own)} ${quoted(path)}, if what is in it is right` };
  }
  if ((mode & sticky) !== 0) return undefined;
  if ((mode & writableByOthers) !== 0)
    return { why: 'can be written by everybody', mend: `chmod o-w ${quoted(path)}` };
  if ((mode & writableByGroup) !== 0 && hasOthers(gid, trusted))
    return {
      why: `can be written by the group ${groupName(gid)}, which has other members`,
      mend: `chmod g-w ${quoted(path)}`,
    };
  return undefined;
}

/** Whether anybody but those is in the group; where it cannot be told, somebody may be. */
function hasOthers(gid: number, trusted: readonly number[]): boolean {
  const group = rowsOf('/etc/group').find((row) => row[2] === String(gid));
  if (group === undefined) return true;
  const users = rowsOf('/etc/passwd');
  const members = (group[3] ?? '').split(',').filter((name) => name !== '');
  const ids = members.map((name) => Number(users.find((row) => row[0] === name)?.[2] ?? -1));
  const byDefault = users.filter((row) => row[3] === String(gid)).map((row) => Number(row[2]));
  return [...ids, ...byDefault].some((id) => !trusted.includes(id));
}

function numberIn(text: string | undefined): number[] {
  return text !== undefined && /^\d{1,10}$/.test(text) ? [Number(text)] : [];
}

function userName(uid: number): string {
  const name = rowsOf('/etc/passwd').find((row) => row[2] === String(uid))?.[0];
  return name === undefined ? `the user ${uid}` : name;
}

function groupName(gid: number): string {
  return rowsOf('/etc/group').find((row) => row[2] === String(gid))?.[0] ?? String(gid);
}

function rowsOf(file: '/etc/passwd' | '/etc/group'): readonly (readonly string[])[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
  } catch {
    return [];
  }
}

/** For a command line that somebody may paste. */
function quoted(path: string): string {
  return /^[A-Za-z0-9_./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
