/**
 * Locks: what an execution holds alone, from before what needs it until the execution has ended, through waiting, approval
 * and rollback. Locks that are asked for at one place are taken together or not at all, so nobody holds one thing while
 * waiting for the other; who holds what is the host's knowledge, the waiting is decided here.
 */
import { lockNameProblem } from '../document/index.ts';
import type { Outcome } from './activities.ts';
import { failureOf, type Failure } from './failure.ts';
import type { Frame } from './frame.ts';
import { backoffMs, lockPauseMs, lockTimeoutMs, lockTriesMax } from './limits.ts';
import type { StepRecord } from './records.ts';
import { resolve } from './scope.ts';

export type LockEnding =
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'cancelled' };

const taken: LockEnding = { kind: 'taken' };

/** The document's locks, before its first step. */
export async function lockDocument(frame: Frame): Promise<LockEnding> {
  const ending = await lock(frame, frame.execution.program.document.locks ?? [], 'locks');
  if (ending.kind === 'refused') await frame.emit({ type: 'LocksRefused', failure: ending.failure });
  return ending;
}

/** A step's own, before it looks at anything. */
export function lockStep(frame: Frame, record: StepRecord): Promise<LockEnding> {
  return lock(frame, record.step.locks ?? [], `${frame.idOf(record)}:locks`);
}

/** Everything that the execution held, for a rollback after its end. Undefined: it waits as the run would have. */
export async function lockAgain(frame: Frame, waitSeconds: number | undefined): Promise<LockEnding> {
  const { execution, idPrefix } = frame;
  const names = [...execution.locks];
  execution.locks.clear();
  const ending = await take(frame, names, `${idPrefix}locks`, waitSeconds);
  for (const name of names) execution.locks.add(name);
  if (ending.kind === 'refused') await frame.emit({ type: 'LocksRefused', failure: ending.failure });
  return ending;
}

/** Gives everything back. What cannot be given back is told, and changes no status. */
export async function unlock(frame: Frame): Promise<void> {
  const { execution, idPrefix } = frame;
  if (execution.locks.size === 0) return;
  const outcome = await frame.activity({
    id: `${idPrefix}unlock`,
    kind: 'unlock',
    input: {},
    step: 'locks',
    token: frame.execution.id,
    timeoutMs: lockTimeoutMs,
    onLost: 'rerun',
    ignoreCancel: true,
  });
  const kept =
    outcome.status === 'ok'
      ? outcome.value.kept
      : [...execution.locks].map((name) => ({ lock: name, why: failureOf(outcome, late).message }));
  await frame.emit({ type: 'LocksReleased', kept });
}

async function lock(frame: Frame, written: readonly string[], id: string): Promise<LockEnding> {
  if (written.length === 0) return taken;
  const resolved = await resolve(frame, [...written], id);
  if (!resolved.ok) return { kind: 'refused', failure: resolved.failure };
  const names = Array.isArray(resolved.value) ? resolved.value : [];
  const problem = names
    .map((name) => lockNameProblem(typeof name === 'string' ? name : JSON.stringify(name)))
    .find((sentence) => sentence !== undefined);
  if (problem !== undefined) return refused('LOCK_NAME', problem);
  return take(
    frame,
    names.filter((name) => typeof name === 'string'),
    id,
  );
}

async function take(
  frame: Frame,
  names: readonly string[],
  id: string,
  waitSeconds = frame.execution.input.lockWaitSeconds ?? 0,
): Promise<LockEnding> {
  const { execution } = frame;
  const wanted = [...new Set(names)].filter((name) => !execution.locks.has(name)).toSorted();
  if (wanted.length === 0) return taken;
  const since = waitSeconds === 0 ? 0 : await frame.now(`${id}:since`);
  let told = '';
  let failures = 0;
  for (let asked = 1; ; asked += 1) {
    const outcome = await ask(frame, wanted, `${id}#${asked}`);
    if (outcome.status === 'cancelled') return { kind: 'cancelled' };
    let pauseMs = lockPauseMs(asked);
    if (outcome.status === 'ok') {
      const answer = outcome.value;
      if (answer.kind === 'taken') {
        for (const name of wanted) execution.locks.add(name);
        await frame.emit({ type: 'LocksTaken', locks: wanted, unheard: answer.unheard });
        return taken;
      }
      failures = 0;
      if (outcome.endedAt - since >= waitSeconds * 1000) return refused('LOCKED', answer.message);
      if (told !== answer.message) {
        const { lock: name, holder } = answer;
        const waiting = { kind: 'lock' as const, lock: name, holder, since: answer.since };
        await frame.emit({
          type: 'StepWaiting',
          step: 'locks',
          waiting: { ...waiting, timeoutSeconds: waitSeconds },
        });
        told = answer.message;
      }
    } else {
      const failure = failureOf(outcome, late);
      failures += 1;
      if (!failure.retryable || failures >= lockTriesMax) return { kind: 'refused', failure };
      pauseMs = backoffMs(failures);
    }
    const slept = await frame.sleep(`${id}#${asked}:pause`, pauseMs);
    if (slept === 'cancelled') return { kind: 'cancelled' };
  }
}

const late = 'the hosts of the locks did not answer in time';

function ask(frame: Frame, locks: readonly string[], id: string): Promise<Outcome<'lock'>> {
  return frame.activity({
    id,
    kind: 'lock',
    input: { locks },
    step: 'locks',
    token: frame.execution.id,
    timeoutMs: frame.within(lockTimeoutMs),
    onLost: 'rerun',
  });
}

function refused(code: string, message: string): LockEnding {
  return { kind: 'refused', failure: { code, message, retryable: false } };
}
