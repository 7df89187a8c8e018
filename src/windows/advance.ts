/**
 * One occurrence at an instant → what is to be done now, and the occurrence as it is then. Pure, and the same again when it is asked again:
 * whoever writes the result down and dies before acting loses nothing, since what was planned is still planned.
 *
 * Rules of AWS (reference in windows.md): equal priorities go side by side; the next priority begins when all of the one before have
 * ended, however they ended; nothing starts after the cut-off.
 */
import type { ApprovalFact, Effect, Facts } from './facts.ts';
import { isEnded, worst, type Ended, type Occurrence, type Reason, type TaskRun } from './occurrence.ts';
import { advanceTask } from './advance-task.ts';

export interface Advanced {
  readonly occurrence: Occurrence;
  readonly effects: readonly Effect[];
}

export function advance(occurrence: Occurrence, facts: Facts, now: number): Advanced {
  if (isEnded(occurrence.status)) return { occurrence, effects: [] };
  const isCancelled = facts.isCancelled(occurrence.id);
  if (occurrence.status === 'PENDING') {
    const held = heldBack(occurrence, facts, now, isCancelled);
    if (held !== null) return { occurrence: held, effects: [] };
  }
  const started: Occurrence = {
    ...occurrence,
    status: isCancelled ? 'CANCELLING' : 'IN_PROGRESS',
    startedAt: occurrence.startedAt ?? now,
    ...(occurrence.status === 'PENDING' && occurrence.approval !== null
      ? { approved: { by: yesTo(occurrence, facts), contents: facts.contents() } }
      : {}),
  };
  const effects: Effect[] = [];
  const tasks: TaskRun[] = [];
  let turn: number | undefined;
  for (const run of started.tasks.toSorted((left, right) => left.task.priority - right.task.priority)) {
    const isTurn = turn === undefined || run.task.priority === turn;
    if (!isTurn && !isEnded(run.status) && now <= started.cutoffAt && !isCancelled) {
      tasks.push(run);
      continue;
    }
    const advanced = advanceTask(run, { occurrence: started, facts, now, isCancelled, isTurn });
    tasks.push(advanced.run);
    effects.push(...advanced.effects);
    if (!isEnded(advanced.run.status)) turn ??= run.task.priority;
  }
  const open = tasks.some(({ status }) => !isEnded(status));
  if (open) return { occurrence: { ...started, tasks }, effects };
  const status = worst(tasks.map((run) => run.status as Ended));
  return { occurrence: { ...started, tasks, status, endedAt: now }, effects };
}

/** A pending occurrence that does not start now; null: it starts. */
function heldBack(
  occurrence: Occurrence,
  facts: Facts,
  now: number,
  isCancelled: boolean,
): Occurrence | null {
  const end = (status: Ended, reason: Reason): Occurrence => ({
    ...occurrence,
    status,
    reason,
    endedAt: now,
  });
  if (isCancelled)
    return end('CANCELLED', { code: 'CANCELLED', message: 'it was cancelled before it began' });
  const skipped = facts.skipped(occurrence.id);
  if (skipped !== null) return end('SKIPPED', skipped);
  if (facts.isPaused(occurrence.id)) {
    if (now <= occurrence.cutoffAt) return occurrence;
    return end('SKIPPED', { code: 'PAUSED', message: 'the window was paused until the cut-off' });
  }
  const { approval } = occurrence;
  if (approval !== null) {
    const answers = answersTo(occurrence, facts);
    const no = answers.find(({ answer }) => answer === 'no');
    if (no !== undefined) return end('SKIPPED', { code: 'NOT_APPROVED', message: `${no.by} said no` });
    const yes = yesTo(occurrence, facts).length;
    if (yes < approval.minRequired) {
      if (now <= occurrence.cutoffAt) return occurrence;
      const came = `${yes} of ${approval.minRequired} approvals came before the cut-off`;
      const message = [came, ...outdatedOf(occurrence, facts)].join('; ');
      return end('SKIPPED', { code: 'NOT_APPROVED', message });
    }
  }
  if (now > occurrence.cutoffAt) {
    return end('SKIPPED', { code: 'AFTER_CUTOFF', message: 'the cut-off was past before it could start' });
  }
  return null;
}

/** Of those whom the window names. */
function answersTo({ id, approval }: Occurrence, facts: Facts): readonly ApprovalFact[] {
  return facts.approvals(id).filter(({ by }) => approval?.approvers.includes(by) === true);
}

function yesTo(occurrence: Occurrence, facts: Facts): readonly string[] {
  const yes = answersTo(occurrence, facts).filter(({ answer }) => answer === 'yes');
  return [...new Set(yes.map(({ by }) => by))];
}

/** What people said yes to, and is something else now: a clause each. */
export function outdatedOf(occurrence: Occurrence, facts: Facts): readonly string[] {
  return answersTo(occurrence, facts).flatMap((each) =>
    each.answer === 'outdated' ? [`the yes of ${each.by} holds no more, since ${each.why}`] : [],
  );
}
