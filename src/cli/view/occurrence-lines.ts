/** One occurrence of a window for people: what ran, what did not and why, how late, what was undone, and what is left over. */
import { isEnded, type Invocation, type Occurrence, type TaskRun } from '../../windows/index.ts';
import { durationText } from './durations.ts';
import { localText } from './instant-text.ts';
import { printable } from './printable.ts';

/** Of more targets, each has one line. */
const detailedMax = 4;

export function occurrenceLines(occurrence: Occurrence, zone: string): string[] {
  const { id, dueAt, startedAt, endedAt, status, reason, tasks } = occurrence;
  const lateMs = (startedAt ?? dueAt) - dueAt;
  const late = lateMs >= 1_000 ? `, ${durationText(lateMs)} late` : '';
  const took =
    startedAt !== undefined && endedAt !== undefined ? `, took ${durationText(endedAt - startedAt)}` : '';
  return [
    `${id}  ${status}  ${localText(dueAt, zone)}${late}${took}`,
    ...(reason === undefined ? [] : [`  ${reason.code}  ${printable(reason.message)}`]),
    ...tasks.flatMap(taskLines),
  ];
}

function taskLines({ task, status, reason, targets, invocations }: TaskRun): string[] {
  const left = (targets?.length ?? 0) - invocations.length;
  const isShort = invocations.length > detailedMax;
  return [
    `  ${printable(task.name)}  ${status}${reason === undefined ? '' : `  ${reason.code}  ${printable(reason.message)}`}`,
    ...invocations.flatMap((each) => [
      invocationLine(each, isShort),
      ...(isShort ? [] : cameTo(each).map((line) => `      ${line}`)),
    ]),
    ...(left > 0 ? [`    ${left} not started`] : []),
  ];
}

function cameTo({ undone = [], left = [] }: Invocation): string[] {
  return [
    ...(undone.length === 0 ? [] : [`undone: ${undone.map(printable).join(', ')}`]),
    ...(left.length === 0 ? [] : [`left over: ${left.map(printable).join('; ')}`]),
  ];
}

function invocationLine(invocation: Invocation, isShort: boolean): string {
  const { target, executionId, status, reason, rollbackStatus, endedAt, plannedAt } = invocation;
  const where = target === '' ? '' : `${printable(target)}  `;
  const took = endedAt === undefined ? '' : `  ${durationText(endedAt - plannedAt)}`;
  const back =
    rollbackStatus === undefined || rollbackStatus === 'notRequested'
      ? ''
      : `  rolled back ${rollbackStatus}`;
  const why = reason === undefined ? '' : `  ${reason.code}  ${printable(reason.message)}`;
  const more = isEnded(status) && status === 'SUCCESS' ? '' : `  belay show ${executionId}`;
  return `    ${where}${executionId}  ${status}${took}${back}${why}${
    isShort
      ? cameTo(invocation)
          .map((line) => `  ${line}`)
          .join('')
      : ''
  }${more}`;
}
