/** What an occurrence came to, as plain text for a message: what ran, what did not and why, how late, what was undone, and what is left over. */
import { isEnded, type Invocation, type Occurrence, type TaskRun } from './occurrence.ts';

/** Of more targets, each has one line. */
const detailedMax = 4;

export interface Summary {
  readonly subject: string;
  readonly text: string;
}

export function summaryOf(occurrence: Occurrence): Summary {
  const { id, window, dueAt, startedAt, endedAt, status, reason, tasks } = occurrence;
  const utc = (at: number): string => new Date(at).toISOString().replace('.000Z', 'Z');
  const lateSeconds = Math.round(((startedAt ?? dueAt) - dueAt) / 1000);
  const lines = [
    `${id}: ${status}`,
    `due ${utc(dueAt)}${lateSeconds > 0 ? `, began ${lateSeconds} s late` : ''}${endedAt === undefined ? '' : `, ended ${utc(endedAt)}`}`,
    ...(reason === undefined ? [] : [`${reason.code}: ${reason.message}`]),
    ...tasks.flatMap(taskLines),
    `belay window history ${window}`,
  ];
  return { subject: `${window}: ${status}`, text: lines.join('\n') };
}

function taskLines({ task, status, reason, targets, invocations }: TaskRun): string[] {
  const left = (targets?.length ?? 0) - invocations.length;
  const isShort = invocations.length > detailedMax;
  return [
    `${task.name}: ${status}${reason === undefined ? '' : ` (${reason.code}: ${reason.message})`}`,
    ...invocations.flatMap((each) => [
      `  ${invocationLine(each, isShort)}`,
      ...(isShort ? [] : cameTo(each).map((line) => `    ${line}`)),
    ]),
    ...(left > 0 ? [`  ${left} not started`] : []),
  ];
}

function invocationLine(invocation: Invocation, isShort: boolean): string {
  const { target, executionId, status, reason, rollbackStatus } = invocation;
  const back =
    rollbackStatus === undefined || rollbackStatus === 'notRequested'
      ? ''
      : `, rolled back ${rollbackStatus}`;
  const why = reason === undefined ? '' : `, ${reason.code}: ${reason.message}`;
  const left = isShort ? cameTo(invocation).map((line) => `, ${line}`) : [];
  const look = isEnded(status) && status === 'SUCCESS' ? '' : `; belay show ${executionId}`;
  return `${target === '' ? executionId : `${target} ${executionId}`}: ${status}${back}${why}${left.join('')}${look}`;
}

function cameTo({ undone = [], left = [] }: Invocation): string[] {
  return [
    ...(undone.length === 0 ? [] : [`undone: ${undone.join(', ')}`]),
    ...(left.length === 0 ? [] : [`left over: ${left.join('; ')}`]),
  ];
}
