/** Servers that executions took out of their upstream and that nobody has put back, by the journal. Asks no host. */
import type { Json } from '../../json.ts';
import { accountOf, netChanges } from '../../engine/index.ts';
import { isClimbingDown, type ExecutionView, type ListedExecution } from '../execution-view.ts';
import { ageText } from './age.ts';
import type { Finding } from './finding.ts';

/** So many executions that nobody runs are looked into, the newest first. */
const lookedIntoMax = 100;

export async function checkDrained(
  executions: readonly ListedExecution[],
  view: (id: string) => Promise<ExecutionView | undefined>,
  now: number,
): Promise<Finding[]> {
  const some = executions
    .filter((each) => !each.isLive && !each.sandbox && each.child === null && mayHaveLeft(each))
    .toSorted((left, right) => right.createdAt - left.createdAt)
    .slice(0, lookedIntoMax);
  const findings: Finding[] = [];
  for (const { executionId } of some) {
    const seen = await view(executionId);
    if (seen !== undefined) findings.push(...drainedBy(seen, now));
  }
  return findings;
}

const mayHaveLeft = ({ status, rollbackStatus, endedAt, closing }: ListedExecution): boolean =>
  closing === null && (endedAt === null || (status !== 'Success' && rollbackStatus !== 'clean'));

function drainedBy(execution: ExecutionView, now: number): Finding[] {
  const standing = accountOf(execution).steps.filter(
    ({ step, stands }) => stands && step.action === 'nginx:drain',
  );
  const since = Math.min(...standing.map(({ step }) => step.endedAt ?? step.startedAt ?? now));
  const { executionId, endedAt } = execution;
  const open = isClimbingDown(execution) ? 'resume' : 'cancel';
  const command = `belay ${endedAt === null ? open : 'rollback'} ${executionId}`;
  const isForGood = standing.every(({ way }) => way.kind === 'none');
  const hint = isForGood ? 'no step that did it has an undo: put it back by hand' : `${command} puts it back`;
  // It began, and its runner died before it was told how far it came.
  const unsure = standing
    .filter(({ certainty }) => certainty === 'unsure')
    .map(({ step: { inputs } }) => ({
      area: 'leftovers' as const,
      what: textOf(inputs['Host']),
      verdict: 'note' as const,
      says: `${textOf(inputs['Server'])} may be drained since ${ageText(now - since)} by ${executionId}, which nobody runs`,
      hint,
    }));
  const told = netChanges(standing.flatMap(({ step }) => step.changes))
    .filter(({ to }) => to === 'drained')
    .map(({ target, subject }) => ({
      area: 'leftovers' as const,
      what: target,
      verdict: 'note' as const,
      says: `${subject} is drained since ${ageText(now - since)} by ${executionId}, which nobody runs`,
      hint,
    }));
  return [...told, ...unsure];
}

const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
