/**
 * A maintenance window of AWS as a window file. What Belay cannot run is kept in the file as comments, and named.
 * Pure. Source of the shapes: GetMaintenanceWindow, DescribeMaintenanceWindowTargets, GetMaintenanceWindowTask of the SSM API.
 */
import { Document, isMap, type Node } from 'yaml';
import type { JsonObject } from '../json.ts';
import {
  shortName,
  taskFromAws,
  type AwsDocument,
  type AwsTask,
  type ReadTask,
  type WantedRunbook,
} from './from-aws-task.ts';

export interface AwsWindow {
  readonly id: string;
  readonly name: string;
  readonly description?: string;
  readonly schedule: string;
  readonly timezone?: string;
  readonly offsetDays?: number;
  readonly startDate?: string;
  readonly endDate?: string;
  readonly durationHours: number;
  readonly cutoffHours: number;
  readonly isEnabled: boolean;
  /** ISO 8601; empty where AWS does not tell. A rate without a StartDate counts from here. */
  readonly createdAt: string;
}

export interface ImportedWindow {
  /** Without a task no window file: what is kept of it is all in comments. */
  readonly text: string;
  readonly runbooks: readonly WantedRunbook[];
  /** `task patch (LAMBDA)`, and why it is not in the file. */
  readonly left: readonly { readonly task: string; readonly why: string }[];
  /** What is in the file, and means something else than in AWS. */
  readonly told: readonly string[];
}

/** `documents`: what is known of the Automation documents that its tasks run, by the task's id. */
export function windowFromAws(
  window: AwsWindow,
  tasks: readonly AwsTask[],
  documents: ReadonlyMap<string, AwsDocument>,
): ImportedWindow {
  const read: ReadTask[] = [];
  const left: { task: string; why: string; comment: string }[] = [];
  const names = new Set<string>();
  for (const task of tasks.toSorted((a, b) => a.priority - b.priority)) {
    const wanted = task.name ?? shortName(task.arn);
    const name = names.has(wanted) ? `${wanted}-${task.id.slice(0, 8)}` : wanted;
    names.add(name);
    const document = documents.get(task.id) ?? { kind: 'document', lists: new Set() };
    const result = taskFromAws(window.name, task, name, document);
    if (typeof result === 'string')
      left.push({ task: `task ${name} (${task.type})`, why: result, comment: commentOf(task, name, result) });
    else read.push(result);
  }
  return {
    text: textOf(
      window,
      read.map(({ task }) => task),
      left.map(({ comment }) => comment),
    ),
    runbooks: distinct(read.map(({ runbook }) => runbook)),
    left: left.map(({ task, why }) => ({ task, why })),
    told: read.flatMap(({ told }) => told),
  };
}

function textOf(window: AwsWindow, tasks: readonly JsonObject[], comments: readonly string[]): string {
  const isRate = window.schedule.startsWith('rate(');
  const madeAt = window.createdAt === '' ? undefined : window.createdAt.replace(/\.\d+/, '');
  const startDate = window.startDate ?? (isRate ? madeAt : undefined);
  const document = new Document({
    Name: window.name,
    ...(window.description === undefined ? {} : { Description: window.description }),
    Schedule: window.schedule,
    ...(window.timezone === undefined ? {} : { ScheduleTimezone: window.timezone }),
    ...(window.offsetDays === undefined ? {} : { ScheduleOffset: window.offsetDays }),
    ...(startDate === undefined ? {} : { StartDate: withOffset(startDate) }),
    ...(window.endDate === undefined ? {} : { EndDate: withOffset(window.endDate) }),
    Duration: window.durationHours,
    Cutoff: window.cutoffHours,
    ...(window.isEnabled ? {} : { Enabled: false }),
    Tasks: tasks,
  });
  document.commentBefore = ` From ${window.id} of AWS. Priorities, cut-off and order mean here what they mean there.`;
  const last = isMap(document.contents) ? document.contents.items.at(-1)?.value : undefined;
  if (comments.length > 0 && last !== undefined) (last as Node).comment = comments.join('\n');
  return document.toString({ lineWidth: 0 });
}

/** AWS takes a date and a time without an offset for UTC, and a date alone for its first moment. */
function withOffset(instant: string): string {
  if (/^\d{4}-\d\d-\d\d$/.test(instant)) return `${instant}T00:00:00Z`;
  return /(Z|[+-]\d\d:?\d\d)$/i.test(instant) ? instant : `${instant}Z`;
}

function commentOf(task: AwsTask, name: string, why: string): string {
  const what = JSON.stringify(task.asTold, null, 2).split('\n');
  return [` Not imported: task ${name} (${task.type}): ${why}.`, ...what.map((line) => `   ${line}`)].join(
    '\n',
  );
}

function distinct(runbooks: readonly WantedRunbook[]): WantedRunbook[] {
  return [...new Map(runbooks.map((runbook) => [runbook.file, runbook])).values()];
}
