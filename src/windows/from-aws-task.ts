/** One task of an AWS maintenance window as a task of a window file, with the runbook that it runs; or why it cannot be run here. Pure. */
import { Document } from 'yaml';
import type { JsonObject } from '../json.ts';
import { isPseudoParameter, namesInBraces, needsTarget } from './pseudo-parameters.ts';

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
  /** What else a command is sent with: Comment, TimeoutSeconds and the like. */
  readonly command?: JsonObject;
  /** As which the window runs it in AWS. */
  readonly roleArn?: string;
  readonly hasAlarm: boolean;
  /** All that AWS tells of it: kept where it cannot be run here. */
  readonly asTold: JsonObject;
}

/** What is known of the Automation document of a task. */
export type AwsDocument =
  | { readonly kind: 'document'; readonly lists: ReadonlySet<string> }
  /** A clause: `its document Team-Patch cannot be read: …`. */
  | { readonly kind: 'unread'; readonly why: string };

/** A runbook that the window file names: to be fetched, or made of a task. */
export type WantedRunbook =
  | { readonly kind: 'document'; readonly file: string; readonly name: string; readonly version?: string }
  | { readonly kind: 'made'; readonly file: string; readonly text: string };

export interface ReadTask {
  readonly task: JsonObject;
  readonly runbook: WantedRunbook;
  /** What means something else here than in AWS. */
  readonly told: readonly string[];
}

/** A clause where the task cannot be run here. */
export function taskFromAws(
  window: string,
  task: AwsTask,
  name: string,
  document: AwsDocument,
): ReadTask | string {
  const targets = selectorsOf(task.targets);
  if (typeof targets === 'string') return targets;
  if (task.hasAlarm) return 'it stops by a CloudWatch alarm, which windows do not watch yet';
  if (task.type !== 'AUTOMATION' && task.type !== 'RUN_COMMAND')
    return 'only AUTOMATION and RUN_COMMAND tasks can be run here';
  if (task.type === 'RUN_COMMAND' && targets.length === 0) return 'it has no targets';
  const unknown = wordsOf(task).find((each) => /^\w+(:.*)?$/.test(each) && !isPseudoParameter(each));
  if (unknown !== undefined)
    return `{{ ${unknown} }} in its parameters is not a pseudo parameter of windows, and AWS hands it on as it is`;
  const alone = wordsOf(task).find((each) => needsTarget(each) && targets.length === 0);
  if (alone !== undefined) return `{{ ${alone} }} in its parameters needs targets, and it has none`;
  const made = task.type === 'AUTOMATION' ? automationOf(task, document) : commandOf(window, task, name);
  if (typeof made === 'string') return made;
  const { runbook, parameters } = made;
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
            MaxConcurrency: concurrencyOf(task),
            MaxErrors: share(task.maxErrors ?? '1'),
          }),
      // AWS's default; files that name none climb down.
      CutoffBehavior: task.cutoffBehavior ?? 'CONTINUE_TASK',
    },
    runbook,
    told: toldOf(task, name, targets),
  };
}

function toldOf(task: AwsTask, name: string, targets: readonly string[]): readonly string[] {
  const told: string[] = [];
  const tags = targets.filter((target) => target.startsWith('tag:'));
  if (tags.length > 0)
    told.push(
      `${name}: ${tags.join(', ')} means hosts of belay.yaml here, and instances in AWS; TARGET_ID is then the name of the host, and RESOURCE_ID its instance id where belay.yaml has one`,
    );
  if (task.targets.length > 1 && !isEachAlone(task))
    told.push(
      `${name}: AWS goes through its ${task.targets.length} registrations of targets one after the other; here MaxConcurrency counts over all of them`,
    );
  if (task.roleArn !== undefined)
    told.push(
      `${name}: AWS runs it as ${task.roleArn}; here it acts as whoever runs the daemon, or as the task's AwsProfile`,
    );
  return told;
}

/** AWS goes through registrations one after the other; where each is one instance, that is one at a time. */
function concurrencyOf(task: AwsTask): number | string {
  return task.targets.length > 1 && isEachAlone(task) ? 1 : share(task.maxConcurrency ?? '1');
}

function isEachAlone({ targets }: AwsTask): boolean {
  return targets.every(
    (registration) =>
      registration.length === 1 &&
      registration.every(({ key, values }) => key === 'InstanceIds' && values.length === 1),
  );
}

interface Made {
  readonly runbook: WantedRunbook;
  readonly parameters: JsonObject;
}

function automationOf(task: AwsTask, document: AwsDocument): Made | string {
  if (document.kind === 'unread') return document.why;
  const name = shortName(task.arn);
  const version = task.documentVersion;
  const file = `imported/${safe(name)}${version === undefined || version.startsWith('$') ? '' : `-${safe(version)}`}.yaml`;
  // AWS keeps every value as a list; what is one text is told by the document alone.
  const valueOf = ([key, values]: [string, readonly string[]]): [string, string | string[]] => [
    key,
    values.length === 1 && !document.lists.has(key) ? (values[0] ?? '') : [...values],
  ];
  return {
    runbook: { kind: 'document', file, name: task.arn, ...(version === undefined ? {} : { version }) },
    parameters: Object.fromEntries(Object.entries(task.parameters).map(valueOf)),
  };
}

/** Run Command on one managed node, for each target one run. */
function commandOf(window: string, task: AwsTask, name: string): Made {
  // A runbook knows nothing of windows: what a window gives comes to it as a parameter of that name.
  const given = [...new Set(wordsOf(task).filter(isPseudoParameter))];
  const runbook = new Document({
    schemaVersion: '0.3',
    description: `Runs ${shortName(task.arn)} on one managed node: task ${name} of the window ${window}.`,
    parameters: {
      InstanceId: { type: 'String', description: 'The managed node.' },
      ...Object.fromEntries(given.map((word) => [word, { type: 'String' }])),
    },
    mainSteps: [
      {
        name: 'Run',
        action: 'aws:runCommand',
        inputs: {
          DocumentName: task.arn,
          ...(task.documentVersion === undefined ? {} : { DocumentVersion: task.documentVersion }),
          InstanceIds: ['{{ InstanceId }}'],
          ...(Object.keys(task.parameters).length === 0 ? {} : { Parameters: { ...task.parameters } }),
          ...task.command,
        },
      },
    ],
  });
  const file = `imported/${safe(window)}-${safe(name)}.yaml`;
  return {
    runbook: { kind: 'made', file, text: runbook.toString({ lineWidth: 0 }) },
    parameters: {
      InstanceId: '{{ TARGET_ID }}',
      ...Object.fromEntries(given.map((word) => [word, `{{ ${word} }}`])),
    },
  };
}

/** What stands in double braces in its parameters. */
function wordsOf({ parameters }: AwsTask): readonly string[] {
  return Object.values(parameters).flatMap((values) => values.flatMap(namesInBraces));
}

/** Ids and tags, each a selector; a clause where they mean a set that selectors cannot say. */
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

function share(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}

/** `arn:aws:ssm:eu-west-1:1:document/Patch` → `Patch`. */
export function shortName(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1);
}

/** A name from outside as a part of a file's name. */
function safe(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 100);
}
