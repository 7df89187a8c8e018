/** `belay show` for people: everything, with full values. Pure. */
import { nestingDepth, type Change, type StepState, type UndoState } from '../../engine/index.ts';
import type { PersonWait } from '../../runtime/below.ts';
import type { ExecutionView } from '../../runtime/execution-view.ts';
import { isDifferent, targetsText } from './change-text.ts';
import { agoText, durationText, instantText } from './durations.ts';
import { endingLines } from './ending.ts';
import { leftWaitingLines } from './left-waiting.ts';
import { failureText } from './event-lines.ts';
import { toneOf } from './list-lines.ts';
import { outOfServiceLine } from './out-of-service.ts';
import { plainValue } from './output-lines.ts';
import { printable } from './printable.ts';
import { failedRecapLines } from './recap-lines.ts';
import type { Style, Tone } from './style.ts';
import { tableLines } from './table.ts';

/** `waits`: in it and below it. */
export function showLines(
  view: ExecutionView,
  style: Style,
  now: number,
  waits: readonly PersonWait[] = [],
): string[] {
  const rollback = view.rollbackStatus === 'notRequested' ? '' : `, rollback ${view.rollbackStatus}`;
  const started = view.startedAt ?? view.createdAt;
  const facts = [
    ['status', `${style.paint(toneOf(view.status), view.status)}${rollback}`],
    ['runbook', printable(view.file)],
    ...(view.sandbox ? [['world', 'sandbox']] : []),
    ['started', `${instantText(started)} by ${printable(view.startedBy)}, ${agoText(started, now)}`],
    ...(view.endedAt === null
      ? []
      : [['ended', `${instantText(view.endedAt)}, after ${durationText(view.endedAt - started)}`]]),
    ...(view.closing === null
      ? []
      : [
          [
            view.closing.kind,
            `${instantText(view.closing.at)} by ${printable(view.closing.by)}: ${printable(view.closing.why)}`,
          ],
        ]),
    ...(view.forgottenAt === null
      ? []
      : [
          [
            'pruned',
            `since ${instantText(view.forgottenAt)}: it cannot be taken back; belay prune finishes that`,
          ],
        ]),
    ...(view.isLive && view.runner !== null
      ? [['runner', `pid ${view.runner.pid} on ${printable(view.runner.host)}`]]
      : []),
    ...Object.entries(view.parameters).map(([name, value]) => [
      '',
      `${printable(name)} = ${plainValue(value)}`,
    ]),
  ];
  return [
    `${style.paint('strong', view.executionId)}  ${printable(view.runbook)}`,
    ...tableLines(facts).map((line) => `  ${line}`),
    '',
    ...view.steps.flatMap((step) => stepLines(step, style, '  '.repeat(1 + nestingDepth(step.name)))),
    ...(view.rollback.length === 0 ? [] : ['', style.paint('strong', 'Rollback')]),
    ...view.rollback.flatMap((undo) => undoLines(undo, style)),
    ...outputsOf(view),
    '',
    ...stoppedLines(view, style),
    ...closing(view, style, waits),
  ];
}

/** The line of what does not serve, where an ending does not tell it by itself. */
function stoppedLines(view: ExecutionView, style: Style): string[] {
  const line = view.endedAt === null ? outOfServiceLine(view) : undefined;
  return line === undefined ? [] : [style.paint('warn', line)];
}

function closing(view: ExecutionView, style: Style, waits: readonly PersonWait[]): string[] {
  const { executionId: id } = view;
  if (view.endedAt !== null) return [...failedRecapLines(view), ...endingLines(view, style)];
  if (waits.length > 0) return leftWaitingLines(view, style, waits);
  if (view.waiting !== null && view.waiting.kind !== 'sleep') return leftWaitingLines(view, style);
  if (view.isLive) return [`Under way. It is followed with  belay logs ${id} -f`];
  return [`Nobody is running it. It goes on with  belay resume ${view.child?.root ?? id}`];
}

function stepLines(step: StepState, style: Style, indent: string): string[] {
  const { mark, tone } = stepMark(step, style);
  const took =
    step.startedAt === null || step.endedAt === null ? '' : durationText(step.endedAt - step.startedAt);
  const tries = step.attempts > 1 ? `${step.attempts} tries` : '';
  const head = [printable(step.name), printable(step.action), targetsText(step.targets), took, tries];
  return [
    `${indent}${style.paint(tone, mark)} ${head.filter((part) => part !== '').join('  ')}`,
    ...(step.failure === null ? [] : [`${indent}    ${style.paint('bad', failureText(step.failure))}`]),
    ...(step.note === '' ? [] : [`${indent}    ${printable(step.note)}`]),
    ...step.changes.filter(isDifferent).map((change) => `${indent}    ${fullChange(change)}`),
    ...step.restorePoints.map(
      ({ id, of }) => `${indent}    restore point ${printable(id)} of ${printable(of)}`,
    ),
    ...Object.entries(step.outputs).map(
      ([name, value]) => `${indent}    ${printable(name)}: ${plainValue(value)}`,
    ),
  ];
}

function stepMark({ status }: StepState, { marks }: Style): { readonly mark: string; readonly tone: Tone } {
  switch (status) {
    case 'Success':
    case 'Exited':
      return { mark: marks.done, tone: 'good' };
    case 'Failed':
    case 'TimedOut':
    case 'Cancelled':
      return { mark: marks.failed, tone: 'bad' };
    case 'Waiting':
      return { mark: marks.waiting, tone: 'warn' };
    case 'InProgress':
      return { mark: marks.started, tone: 'hint' };
    case 'Pending':
      return { mark: marks.pending, tone: 'faint' };
    default:
      return status satisfies never;
  }
}

function undoLines(undo: UndoState, style: Style): string[] {
  const isBad = undo.result === 'failed' || undo.result === 'leftOver' || undo.result === 'changedSince';
  const mark = style.paint(isBad ? 'bad' : 'good', isBad ? style.marks.failed : style.marks.undone);
  const reason = undo.reason === '' ? '' : `: ${printable(undo.reason)}`;
  const took = undo.endedAt === null ? '' : durationText(undo.endedAt - undo.startedAt);
  const head = [printable(undo.name), targetsText(undo.targets), took, `${wordOf(undo.result)}${reason}`];
  return [
    `  ${mark} ${head.filter((part) => part !== '').join('  ')}`,
    ...(undo.failure === null ? [] : [`      ${style.paint('bad', failureText(undo.failure))}`]),
    ...(undo.note === '' ? [] : [`      ${printable(undo.note)}`]),
    ...undo.changes.filter(isDifferent).map((change) => `      ${fullChange(change)}`),
    ...undo.steps.flatMap((step) => stepLines(step, style, '      ')),
  ];
}

function wordOf(result: UndoState['result']): string {
  switch (result) {
    case 'undone':
      return 'undone';
    case 'nothingToDo':
      return 'nothing to undo';
    case 'kept':
      return 'kept';
    case 'leftOver':
      return 'left as it is';
    case 'changedSince':
      return 'left alone';
    case 'failed':
      return 'not undone';
    case 'running':
      return 'under way';
    default:
      return result satisfies never;
  }
}

function fullChange({ target, subject, from, to }: Change): string {
  return `${printable(target)}  ${printable(subject)}  ${printable(from ?? 'absent')} → ${printable(to ?? 'absent')}`;
}

function outputsOf({ outputs }: ExecutionView): string[] {
  const entries = Object.entries(outputs);
  if (entries.length === 0) return [];
  return ['', 'Outputs', ...entries.map(([name, value]) => `  ${printable(name)}: ${plainValue(value)}`)];
}
