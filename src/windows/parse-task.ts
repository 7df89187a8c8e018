/** One entry of Tasks. */
import {
  checkKeys,
  describeNode,
  entryOf,
  integerOf,
  parseDurationMs,
  readMap,
  readText,
  readTexts,
  readWord,
  requiredText,
  toJson,
  wrongType,
  type MapReader,
  type Report,
  type Span,
  type TreeNode,
} from '../document/index.ts';
import type { JsonObject } from '../json.ts';
import { reportWindow } from './errors.ts';
import { isPseudoParameter, namesInBraces, needsTarget, pseudoParameters } from './pseudo-parameters.ts';
import { readShare } from './read-share.ts';
import type { CheckTask, CutoffBehavior, Identity, RunbookTask, Task } from './types.ts';

const taskKeys = [
  'Name',
  'Runbook',
  'Check',
  'TaskType',
  'Priority',
  'Parameters',
  'Targets',
  'MaxConcurrency',
  'MaxErrors',
  'CutoffBehavior',
  'Reserve',
  'Secrets',
  'SshAgent',
  'AwsProfile',
];
/** What a check has no use for: its rules say where they look. */
const runbookKeys = ['TaskType', 'Parameters', 'Targets', 'MaxConcurrency', 'MaxErrors', 'Secrets'];
const taskTypes = ['AUTOMATION', 'RUN_COMMAND'] as const;
const cutoffBehaviors: readonly CutoffBehavior[] = ['CLIMB_DOWN', 'CONTINUE_TASK', 'CANCEL_TASK'];
const one = { kind: 'count', count: 1 } as const;
const none = { kind: 'count', count: 0 } as const;
/** Standard input and the environment of a person's shell are not there at night. */
const references = /^(file:.+|env:[A-Za-z_][A-Za-z0-9_]*|ssm:.+|secretsmanager:.+)$/s;

export interface ReadTask {
  readonly task: Task;
  readonly nameSpan: Span;
}

export function readTask(
  node: TreeNode,
  resolvePath: (path: string) => string,
  report: Report,
): ReadTask | undefined {
  if (node.kind !== 'map') {
    report.error('WRONG_TYPE', node.span, `a task is a map of keys, not ${describeNode(node)}`);
    return undefined;
  }
  const top = { start: node.span.start, end: node.span.start };
  const nameNode = node.entries.get('Name')?.value;
  const name = nameNode?.kind === 'scalar' && typeof nameNode.value === 'string' ? nameNode.value : '';
  const reader: MapReader = { node, what: name === '' ? 'a task' : `task ${name}`, report };
  checkKeys(reader, taskKeys);
  const work = readWork(reader, resolvePath, top);
  const named = requiredText(reader, 'Name', top);
  const targets = readTexts(reader, 'Targets');
  const reserveMs = readDuration(reader, 'Reserve');
  const task: Task = {
    name: named ?? '',
    ...work,
    priority: readCount(reader, 'Priority') ?? 1,
    parameters: readParameters(reader, targets.length > 0),
    targets,
    maxConcurrency: readShare(reader, 'MaxConcurrency', 1, one),
    maxErrors: readShare(reader, 'MaxErrors', 0, none),
    cutoffBehavior: readWord(reader, 'CutoffBehavior', cutoffBehaviors) ?? 'CLIMB_DOWN',
    ...(reserveMs === undefined ? {} : { reserveMs }),
    identity: readIdentity(reader, resolvePath),
  };
  return { task, nameSpan: nameNode?.span ?? top };
}

/** `Runbook: FILE`, or `Check: FILE`. */
function readWork(
  reader: MapReader,
  resolvePath: (path: string) => string,
  top: Span,
): Pick<RunbookTask, 'runbook' | 'taskType'> | Pick<CheckTask, 'check'> {
  const check = entryOf(reader, 'Check');
  if (check === undefined) {
    const runbook = requiredText(reader, 'Runbook', top);
    const isCommand = readWord(reader, 'TaskType', taskTypes) === 'RUN_COMMAND';
    return {
      runbook: runbook === undefined ? '' : resolvePath(runbook),
      ...(isCommand ? { taskType: 'RUN_COMMAND' } : {}),
    };
  }
  if (entryOf(reader, 'Runbook') !== undefined) {
    const message = `${reader.what} has a Runbook and a Check, and does one of them`;
    reader.report.error('WRONG_VALUE', check.keySpan, message, 'Give each a task of its own.');
  }
  for (const key of runbookKeys) {
    const entry = entryOf(reader, key);
    if (entry === undefined) continue;
    const message = `${key} is for runbooks, and ${reader.what} is a check: its rules say where they look and with what`;
    reader.report.error('WRONG_VALUE', entry.keySpan, message);
  }
  const file = readText(reader, 'Check');
  return { check: file === undefined ? '' : resolvePath(file) };
}

/** A whole number from 0. */
function readCount(reader: MapReader, key: string): number | undefined {
  const entry = entryOf(reader, key);
  if (entry === undefined) return undefined;
  const value = integerOf(entry.value);
  if (value !== undefined && value >= 0) return value;
  wrongType(reader, entry, 'a whole number from 0');
  return undefined;
}

/** An ISO 8601 duration that is longer than nothing. */
export function readDuration(reader: MapReader, key: string): number | undefined {
  const entry = entryOf(reader, key);
  if (entry === undefined) return undefined;
  const { value } = entry;
  const ms =
    value.kind === 'scalar' && typeof value.value === 'string' ? parseDurationMs(value.value) : undefined;
  if (ms !== undefined && ms > 0) return ms;
  wrongType(reader, entry, 'a duration, as PT45M');
  return undefined;
}

function readParameters(reader: MapReader, hasTargets: boolean): JsonObject {
  const map = readMap(reader, 'Parameters');
  if (map === undefined) return {};
  checkBraces(map.value, hasTargets, reader.report);
  return toJson(map.value) as JsonObject;
}

function checkBraces(node: TreeNode, hasTargets: boolean, report: Report): void {
  switch (node.kind) {
    case 'map':
      for (const { value } of node.entries.values()) checkBraces(value, hasTargets, report);
      return;
    case 'list':
      for (const item of node.items) checkBraces(item, hasTargets, report);
      return;
    case 'scalar':
      if (typeof node.value === 'string') checkNames(node.value, node.span, hasTargets, report);
      return;
    default:
      node satisfies never;
  }
}

function checkNames(text: string, span: Span, hasTargets: boolean, report: Report): void {
  for (const name of namesInBraces(text)) {
    // What no reference looks like is text, as in a runbook: `docker ps --format '{{ .Names }}'`.
    if (!/^\w+(:.*)?$/.test(name)) continue;
    if (!isPseudoParameter(name)) {
      const hint = report.suggest(name, Object.keys(pseudoParameters));
      reportWindow(
        report,
        'PSEUDO_PARAMETER',
        span,
        `{{ ${name} }} is not a pseudo parameter of a window`,
        hint,
      );
    } else if (needsTarget(name) && !hasTargets) {
      reportWindow(report, 'PSEUDO_PARAMETER', span, `{{ ${name} }} needs Targets, and the task has none`);
    }
  }
}

function readIdentity(reader: MapReader, resolvePath: (path: string) => string): Identity {
  const secrets: [string, string][] = [];
  for (const { key, value } of readMap(reader, 'Secrets')?.value.entries.values() ?? []) {
    const text = value.kind === 'scalar' && typeof value.value === 'string' ? value.value : '';
    if (references.test(text)) {
      secrets.push([
        key,
        text.startsWith('file:') ? `file:${resolvePath(text.slice('file:'.length))}` : text,
      ]);
      continue;
    }
    const message = `secret ${key} of ${reader.what} must be a reference that can be read while nobody is there`;
    // What is written here may be the secret itself.
    reader.report.concealed(
      'WRONG_VALUE',
      value.span,
      message,
      'file:PATH, env:VAR, ssm:/path or secretsmanager:ID',
    );
  }
  const sshAgent = readText(reader, 'SshAgent');
  const awsProfile = readText(reader, 'AwsProfile');
  return {
    secrets: Object.fromEntries(secrets),
    ...(sshAgent === undefined ? {} : { sshAgent: resolvePath(sshAgent) }),
    ...(awsProfile === undefined ? {} : { awsProfile }),
  };
}
