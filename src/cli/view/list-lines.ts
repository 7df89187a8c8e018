/** The table of `belay list`. Pure. */
import type { ExecutionStatus } from '../../engine/index.ts';
import type { ListedExecution } from '../../runtime/execution-view.ts';
import { isSettled } from '../../runtime/answered.ts';
import { isAskedAsAWhole, prefixOf } from '../../runtime/below.ts';
import { wordText } from './answered-text.ts';
import { agoText } from './durations.ts';
import { printable } from './printable.ts';
import type { Style, Tone } from './style.ts';
import { tableLines } from './table.ts';

const heads = ['ID', 'RUNBOOK', 'STATUS', 'ROLLBACK', 'STARTED', 'AT'];

/** `below`: of roots whose children have no lines of their own, those that are open below them. */
export function listLines(
  views: readonly ListedExecution[],
  now: number,
  style: Style,
  below: ReadonlyMap<string, readonly ListedExecution[]> = new Map(),
): string[] {
  const rows = views.map((view) => [
    view.executionId,
    runbookText(view),
    view.status,
    view.rollbackStatus === 'notRequested' ? '' : view.rollbackStatus,
    agoText(view.startedAt ?? view.createdAt, now),
    belowText(view, below.get(view.executionId) ?? []) ?? whereText(view),
  ]);
  const [head = '', ...lines] = tableLines([heads, ...rows]);
  return [style.paint('faint', head), ...lines.map((line, index) => tinted(line, views[index], style))];
}

export function toneOf(status: ExecutionStatus): Tone {
  switch (status) {
    case 'Success':
      return 'good';
    case 'Failed':
    case 'TimedOut':
      return 'bad';
    case 'Pending':
    case 'InProgress':
      return 'hint';
    case 'Waiting':
    case 'Cancelling':
    case 'Cancelled':
    case 'Interrupted':
      return 'warn';
    default:
      return status satisfies never;
  }
}

function runbookText({ runbook, sandbox, child }: ListedExecution): string {
  if (child !== null) return `  ${printable(runbook)}, ${callerText(child)}`;
  return `${printable(runbook)}${sandbox ? ' (sandbox)' : ''}`;
}

/** `PatchFleet for db1`: the step that started it, and what for. */
export function callerText({ step, target }: NonNullable<ListedExecution['child']>): string {
  return target === null ? printable(step) : `${printable(step)} for ${printable(target)}`;
}

/** The status alone is coloured; its column is already as wide as it has to be. */
function tinted(line: string, view: ListedExecution | undefined, style: Style): string {
  if (view === undefined) return line;
  return line.replace(`  ${view.status}`, `  ${style.paint(toneOf(view.status), view.status)}`);
}

/** Where somebody below it waits for people, named from it; undefined: nobody does. */
function belowText(
  { executionId, waiting, waits }: ListedExecution,
  below: readonly ListedExecution[],
): string | undefined {
  const waitingBelow = below.filter((each) => each.endedAt === null && each.waits.length > 0);
  const [only, ...others] = waitingBelow;
  if (waiting !== null || waits.length > 0 || only === undefined) return undefined;
  const count = waitingBelow.reduce((sum, each) => sum + each.waits.length, 0);
  if (others.length > 0 || count > 1) return `${count} steps wait for people: belay show ${executionId}`;
  return `${printable(pathTo(only, below))}${whereText(only)}`;
}

/** `PatchFleet@db1/Sub/`: how its steps are named from the root. */
function pathTo({ child }: ListedExecution, all: readonly ListedExecution[]): string {
  if (child === null) return '';
  const above = all.find(({ executionId }) => executionId === child.parent);
  return `${above === undefined ? '' : pathTo(above, all)}${prefixOf(child)}`;
}

/** Where it is, or where it failed. */
function whereText(view: ListedExecution): string {
  const at = view.at === null ? '' : printable(view.at);
  if (view.closing !== null) return `${view.closing.kind}: ${printable(view.closing.why)}`;
  const answered = view.waiting === null ? undefined : answeredAlready(view, view.waiting);
  if (answered !== undefined) return answered;
  if (view.waiting?.kind === 'lock' || view.waiting?.kind === 'nextStep') return waitingText(view.waiting);
  if (view.waits.length > 1)
    return `${view.waits.length} steps wait for people: belay show ${view.executionId}`;
  if (view.waiting !== null && view.waiting.kind !== 'sleep')
    return `${at || 'rollback'}, ${waitingText(view.waiting)}`;
  if (view.endedAt !== null && view.refused !== null) return `refused: ${printable(view.refused.message)}`;
  if (view.endedAt !== null) return view.failedStep === null ? '' : printable(view.failedStep);
  if (view.status === 'Interrupted') return interruptedText(view, at);
  return at;
}

/** Of one whose only question is answered, although nobody has gone on with it. */
function answeredAlready(
  { executionId, at, answered = [], waits, leftTo, child }: ListedExecution,
  waiting: NonNullable<ListedExecution['waiting']>,
): string | undefined {
  const [last] = answered.slice(-1);
  if (last === undefined || waits.length > 1 || !isSettled(waiting, answered)) return undefined;
  const where = isAskedAsAWhole(waiting) || at === null ? '' : `${printable(at)}, `;
  const next = leftTo === 'daemon' ? 'belay daemon goes on' : `belay resume ${child?.root ?? executionId}`;
  return `${where}${wordText(last)}: ${next}`;
}

/** What other steps stand below has no effect of its own, and one that sleeps or asks has none: then no outcome is unknown. */
const holdsOthers = new Set(['aws:executeAutomation', 'aws:loop', 'belay:rolling']);

function interruptedText({ steps, waiting }: ListedExecution, at: string): string {
  if (at !== '') {
    const action =
      steps.findLast(({ name, endedAt }) => endedAt === null && printable(name) === at)?.action ?? '';
    return waiting === null && !holdsOthers.has(action) ? `${at}, outcome unknown` : at;
  }
  const last = steps.findLast(({ endedAt }) => endedAt !== null);
  return last === undefined ? '' : `after ${printable(last.name)}`;
}

function waitingText(waiting: NonNullable<ListedExecution['waiting']>): string {
  switch (waiting.kind) {
    case 'approval':
      return `waits for ${waiting.approvers.map(printable).join(', ')}`;
    case 'pause':
      return 'paused';
    case 'sleep':
      return 'sleeps';
    case 'unknownOutcome':
      return 'outcome unknown, a person has to look';
    case 'lock':
      return `waits for the lock ${printable(waiting.lock)}`;
    case 'nextStep':
      return `waits before ${printable(waiting.steps[0] ?? '')}`;
    case 'rollbackDecision':
      return 'roll back or not?';
    default:
      return waiting satisfies never;
  }
}
