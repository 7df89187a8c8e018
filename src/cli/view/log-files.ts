/** Names of log files: which step, target, attempt and stream they are of, and in which order they are read. Pure. */
import { byName } from './by-name.ts';
import { printable } from './printable.ts';

/** `SnapshotData.undo.Restore@db1%232.stdout`: the second attempt on db1 (runtime/logs.ts makes the names). */
export interface LogFile {
  readonly name: string;
  /** The step's path as the name has it. */
  readonly stem: string;
  readonly target: string;
  readonly attempt: number;
  readonly stream: 'stdout' | 'stderr';
}

/** Undefined: no log file. */
export function logFileOf(name: string): LogFile | undefined {
  const match = /^([^@]+)@(.*?)(?:%23(\d+))?\.(stdout|stderr)$/.exec(name);
  if (match === null) return undefined;
  const [, stem = '', target = '', attempt, stream] = match;
  return {
    name,
    stem,
    target: decodeURIComponent(target),
    attempt: attempt === undefined ? 1 : Number(attempt),
    stream: stream === 'stderr' ? 'stderr' : 'stdout',
  };
}

/** By target, then attempt; a target's stdout before its stderr. */
export function orderLogFiles(files: readonly LogFile[]): LogFile[] {
  const inOrder = byName();
  return files.toSorted(
    (left, right) =>
      inOrder(left.target, right.target) ||
      left.attempt - right.attempt ||
      inOrder(right.stream, left.stream),
  );
}

/** `== Patch  db1  try 2  stdout`. */
export function logHead({ target, attempt, stream }: LogFile, step: string): string {
  const parts = [step, target, attempt > 1 ? `try ${attempt}` : '', stream];
  return `== ${parts
    .filter((part) => part !== '')
    .map(printable)
    .join('  ')}`;
}
