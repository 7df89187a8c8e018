/** What an execution took back and what it leaves, in phrases for the summary of an occurrence. Pure. */
import { accountOf, netChanges, unsureBelow, type StepAccount } from '../../engine/index.ts';
import type { ExecutionView } from '../execution-view.ts';

export interface CameTo {
  readonly undone: readonly string[];
  readonly left: readonly string[];
}

/** So many are named; `belay show` has all. */
const namedMax = 8;

/** Of a run that succeeded only what is meant to go again is left over: its restore points. */
export function cameTo(view: Pick<ExecutionView, 'status' | 'steps' | 'rollback'>): CameTo {
  const { steps, restorePoints } = accountOf(view);
  const undone = view.rollback.filter(({ result }) => result === 'undone').map(({ name }) => name);
  const standing =
    view.status === 'Success'
      ? []
      : [...steps.filter(({ stands }) => stands).flatMap(leftBy), ...unsureBelow({ steps }).map(unsureText)];
  const points = restorePoints.map(({ id }) => `restore point ${id}`);
  return { undone: named(undone), left: named([...standing, ...points]) };
}

function leftBy({ step, certainty, undo }: StepAccount): string[] {
  const failure = undo?.failure ?? null;
  const why = failure === null ? '' : `: ${failure.message}`;
  const changes = netChanges(step.changes);
  if (changes.length > 0)
    return changes.map(({ subject, target }) => `${step.name} (${subject} on ${target})${why}`);
  return certainty === 'unsure' ? [`${unsureText({ step: step.name })}${why}`] : [];
}

const unsureText = ({ step }: { readonly step: string }): string => `${step} (may have changed something)`;

function named(phrases: readonly string[]): readonly string[] {
  const more = phrases.length - namedMax;
  return more > 0 ? [...phrases.slice(0, namedMax), `${more} more`] : phrases;
}
