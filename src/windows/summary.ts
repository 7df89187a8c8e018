/** What an occurrence came to, as plain text for a message: what ran, what did not and why, how late, and what was undone. */
import { isEnded, type Invocation, type Occurrence, type TaskRun } from './occurrence.ts';

/** Up to so many targets of a task are named; of more, only those that did not succeed. */
const targetsNamedMax = 4;

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
  const named =
    invocations.length <= targetsNamedMax
      ? invocations
      : invocations.filter((each) => each.status !== 'SUCCESS');
  const more = invocations.length - named.length;
  const left = (targets?.length ?? 0) - invocations.length;
  return [
    `${task.name}: ${status}${reason === undefined ? '' : ` (${reason.code}: ${reason.message})`}`,
    ...named.map(invocationLine),
    ...(more > 0 ? [`  ${more} more succeeded`] : []),
    ...(left > 0 ? [`  ${left} not started`] : []),
  ];
}

function invocationLine({ target, executionId, status, reason, rollbackStatus }: Invocation): string {
  const back =
    rollbackStatus === undefined || rollbackStatus === 'notRequested'
      ? ''
      : `, rolled back ${rollbackStatus}`;
  const why = reason === undefined ? '' : `, ${reason.code}: ${reason.message}`;
  const look = isEnded(status) && status === 'SUCCESS' ? '' : `; belay show ${executionId}`;
  return `  ${target === '' ? executionId : `${target} ${executionId}`}: ${status}${back}${why}${look}`;
}
