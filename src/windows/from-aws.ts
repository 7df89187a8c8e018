/**
 * A maintenance window of AWS as a window file. What Belay cannot run is kept in the file as comments, and named.
 * Pure. Source of the shapes: GetMaintenanceWindow, DescribeMaintenanceWindowTargets, GetMaintenanceWindowTask of the SSM API.
 */
import { Document, isMap, type Node } from 'yaml';
import type { JsonObject } from '../json.ts';

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
  /** ISO 8601. A rate without a StartDate counts from here. */
  readonly createdAt: string;
}

/** `InstanceIds`, `tag:Role`, `WindowTargetIds`, `resource-groups:Name`. */
export interface AwsTarget {
  readonly key: string;
  readonly values: readonly string[];
}

export interface AwsTask {
  readonly id: string;
  readonly name?: string;
  readonly type: string;
  readonly arn: string;
  readonly priority: number;
  /** Window targets are resolved: each inner list is one registration, whose keys hold together. */
  readonly targets: readonly (readonly AwsTarget[])[];
  readonly maxConcurrency?: string;
  readonly maxErrors?: string;
  readonly cutoffBehavior?: string;
  /** Of an automation or a command: its document's parameters. */
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly documentVersion?: string;
  readonly hasAlarm: boolean;
}

/** A runbook that the window file names: to be fetched, or made of a task. */
export type WantedRunbook =
  | { readonly kind: 'document'; readonly file: string; readonly name: string; readonly version?: string }
  | { readonly kind: 'made'; readonly file: string; readonly text: string };

export interface ImportedWindow {
  readonly text: string;
  readonly runbooks: readonly WantedRunbook[];
  /** `task patch (LAMBDA)`, and why it is not in the file. */
  readonly left: readonly { readonly task: string; readonly why: string }[];
  /** What is in the file, and means something else than in AWS. */
  readonly told: readonly string[];
}

type Read = { readonly task: JsonObject; readonly runbook: WantedRunbook; readonly told: readonly string[] };

export function windowFromAws(window: AwsWindow, tasks: readonly AwsTask[]): ImportedWindow {
  const read: Read[] = [];
  const left: { task: string; why: string; comment: string }[] = [];
  const names = new Set<string>();
  for (const task of tasks.toSorted((a, b) => a.priority - b.priority)) {
    const wanted = task.name ?? shortName(task.arn);
    const name = names.has(wanted) ? `${wanted}-${task.id.slice(0, 8)}` : wanted;
    names.add(name);
    const result = readTask(window, task, name);
    if (typeof result === 'string') {
      left.push({ task: `task ${name} (${task.type})`, why: result, comment: commentOf(task, name, result) });
    } else read.push(result);
  }
  const isRate = window.schedule.startsWith('rate(');
  const startDate = window.startDate ?? (isRate ? window.createdAt.replace(/\.\d+/, '') : undefined);
  const document = new Document({
    Name: window.name,
    ...(window.description === undefined ? {} : { Description: window.description }),
    Schedule: window.schedule,
    ...(window.timezone === undefined ? {} : { ScheduleTimezone: window.timezone }),
    ...(window.offsetDays === undefined ? {} : { ScheduleOffset: window.offsetDays }),
    ...(startDate === undefined ? {} : { StartDate: startDate }),
    ...(window.endDate === undefined ? {} : { EndDate: window.endDate }),
    Duration: window.durationHours,
    Cutoff: window.cutoffHours,
    ...(window.isEnabled ? {} : { Enabled: false }),
    Tasks: read.map(({ task }) => task),
  });
  document.commentBefore = ` From ${window.id} of AWS. Priorities, cut-off and order mean here what they mean there.`;
  const last = isMap(document.contents) ? document.contents.items.at(-1)?.value : undefined;
  if (left.length > 0 && last !== undefined)
    (last as Node).comment = left.map(({ comment }) => comment).join('\n');
  return {
    text: document.toString({ lineWidth: 0 }),
    runbooks: distinct(read.map(({ runbook }) => runbook)),
    left: left.map(({ task, why }) => ({ task, why })),
    told: read.flatMap(({ told }) => told),
  };
}

/** A sentence where the task cannot be run here. */
function readTask(window: AwsWindow, task: AwsTask, name: string): Read | string {
  const targets = selectorsOf(task.targets);
  if (typeof targets === 'string') return targets;
  if (task.hasAlarm) return 'it stops by a CloudWatch alarm, which windows do not watch yet';
  const made =
    task.type === 'AUTOMATION'
      ? automationOf(task)
      : task.type === 'RUN_COMMAND'
        ? commandOf(window, task, name)
        : 'only AUTOMATION and RUN_COMMAND tasks can be run here';
  if (typeof made === 'string') return made;
  const { runbook, parameters } = made;
  const told: string[] = [];
  const tags = targets.filter((target) => target.startsWith('tag:'));
  if (tags.length > 0)
    told.push(`${name}: ${tags.join(', ')} means hosts of belay.yaml here, and instances in AWS`);
  if (task.type === 'RUN_COMMAND' && targets.length === 0) return 'it has no targets';
  return {
    task: {
      Name: name,
      Runbook: runbook.file,
      // CANCEL_TASK cancels running commands, and no automations.
      ...(task.type === 'RUN_COMMAND' ? { TaskType: task.type } : {}),
      Priority: task.priority,
      ...(Object.keys(parameters).length === 0 ? {} : { Parameters: parameters }),
      ...(targets.length === 0
        ? {}
        : {
            Targets: targets,
            MaxConcurrency: share(task.maxConcurrency ?? '1'),
            MaxErrors: share(task.maxErrors ?? '1'),
          }),
      // AWS's default; files that name none climb down.
      CutoffBehavior: task.cutoffBehavior ?? 'CONTINUE_TASK',
    },
    runbook,
    told,
  };
}

interface Made {
  readonly runbook: WantedRunbook;
  readonly parameters: JsonObject;
}

function automationOf(task: AwsTask): Made {
  const name = shortName(task.arn);
  const version = task.documentVersion;
  const file = `imported/${safe(name)}${version === undefined || version.startsWith('$') ? '' : `-${safe(version)}`}.yaml`;
  return {
    runbook: { kind: 'document', file, name: task.arn, ...(version === undefined ? {} : { version }) },
    parameters: Object.fromEntries(
      Object.entries(task.parameters).map(([key, values]) => [
        key,
        values.length === 1 ? (values[0] ?? '') : [...values],
      ]),
    ),
  };
}

/** Run Command on one managed node, for each target one run. */
function commandOf(window: AwsWindow, task: AwsTask, name: string): Made {
  const runbook = new Document({
    schemaVersion: '0.3',
    description: `Runs ${shortName(task.arn)} on one managed node: task ${name} of the window ${window.name}.`,
    parameters: { InstanceId: { type: 'String', description: 'The managed node.' } },
    mainSteps: [
      {
        name: 'Run',
        action: 'aws:runCommand',
        inputs: {
          DocumentName: task.arn,
          ...(task.documentVersion === undefined ? {} : { DocumentVersion: task.documentVersion }),
          InstanceIds: ['{{ InstanceId }}'],
          ...(Object.keys(task.parameters).length === 0 ? {} : { Parameters: { ...task.parameters } }),
        },
      },
    ],
  });
  const file = `imported/${safe(window.name)}-${safe(name)}.yaml`;
  return {
    runbook: { kind: 'made', file, text: runbook.toString({ lineWidth: 0 }) },
    parameters: { InstanceId: '{{ TARGET_ID }}' },
  };
}

/** Ids and tags, each a selector; a sentence where they mean a set that selectors cannot say. */
function selectorsOf(registrations: readonly (readonly AwsTarget[])[]): readonly string[] | string {
  const selectors: string[] = [];
  for (const targets of registrations) {
    if (targets.length > 1)
      return `its targets hold together (${targets.map(({ key }) => key).join(' and ')}), and a list of selectors means each of them`;
    for (const { key, values } of targets) {
      if (key === 'InstanceIds') selectors.push(...values);
      else if (key.startsWith('tag:')) selectors.push(...values.map((value) => `${key}=${value}`));
      else return `its targets are chosen by ${key}, which Belay does not know`;
    }
  }
  return [...new Set(selectors)];
}

function commentOf(task: AwsTask, name: string, why: string): string {
  const what = JSON.stringify({ ...task, name }, null, 2).split('\n');
  return [` Not imported: task ${name} (${task.type}): ${why}.`, ...what.map((line) => `   ${line}`)].join(
    '\n',
  );
}

function share(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}

/** `arn:aws:ssm:eu-west-1:1:document/Patch` → `Patch`. */
function shortName(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1);
}

/** A name from outside as a part of a file's name. */
function safe(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 100);
}

function distinct(runbooks: readonly WantedRunbook[]): WantedRunbook[] {
  return [...new Map(runbooks.map((runbook) => [runbook.file, runbook])).values()];
}
