/** One occurrence of a window for people: what ran, what did not and why, how late, and what was undone. */
import { isEnded, type Invocation, type Occurrence, type TaskRun } from '../../windows/index.ts';
import { durationText } from './durations.ts';
import { localText } from './instant-text.ts';
import { printable } from './printable.ts';

/** Up to so many targets of a task get a line each; of more, only those that did not succeed. */
const targetLinesMax = 4;

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
  const shown =
    invocations.length <= targetLinesMax
      ? invocations
      : invocations.filter((each) => each.status !== 'SUCCESS');
  const hidden = invocations.length - shown.length;
  return [
    `  ${printable(task.name)}  ${status}${reason === undefined ? '' : `  ${reason.code}  ${printable(reason.message)}`}`,
    ...shown.map(invocationLine),
    ...(hidden > 0 ? [`    ${hidden} more succeeded`] : []),
    ...(left > 0 ? [`    ${left} not started`] : []),
  ];
}

function invocationLine({
  target,
  executionId,
  status,
  reason,
  rollbackStatus,
  endedAt,
  plannedAt,
}: Invocation): string {
  const where = target === '' ? '' : `${printable(target)}  `;
  const took = endedAt === undefined ? '' : `  ${durationText(endedAt - plannedAt)}`;
  const back =
    rollbackStatus === undefined || rollbackStatus === 'notRequested'
      ? ''
      : `  rolled back ${rollbackStatus}`;
  const why = reason === undefined ? '' : `  ${reason.code}  ${printable(reason.message)}`;
  const more = isEnded(status) && status === 'SUCCESS' ? '' : `  belay show ${executionId}`;
  return `    ${where}${executionId}  ${status}${took}${back}${why}${more}`;
}
