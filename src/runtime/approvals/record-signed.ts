/** Puts a signed decision that counts into the inbox of its execution: once for each person and wait. */
import type { ExecutionState } from '../../engine/index.ts';
import type { Journal } from '../../journal/index.ts';
import type { SignedDecision } from './answer.ts';

export interface WaitPlace extends Pick<ExecutionState, 'steps' | 'rollback'> {
  readonly executionId: string;
  /** The path of the step that waits. */
  readonly at: string;
}

/** False: that person has answered already. */
export function recordSigned(
  journal: Pick<Journal, 'signal'>,
  place: WaitPlace,
  { value, person }: SignedDecision,
  now: number,
): Promise<boolean> {
  const { executionId, at } = place;
  return journal.signal(
    executionId,
    `approve:${at}`,
    value,
    `${person} signed since ${waitStartedAt(place)}`,
    now,
    person,
  );
}

/** Tells one wait at a step from the next one, in a later rollback. */
export function waitStartedAt({ steps, rollback, at }: Omit<WaitPlace, 'executionId'>): number | null {
  const all = [...steps, ...rollback.flatMap((undo) => undo.steps)];
  return all.findLast(({ name }) => name === at)?.startedAt ?? null;
}
