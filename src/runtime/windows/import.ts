/** Reads maintenance windows of AWS and writes them as files. Nothing of AWS is changed. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { numberIn, objectIn, objectsIn, pages, textIn, textsIn } from '../../actions/aws/reply.ts';
import { isJsonObject, type JsonObject } from '../../json.ts';
import { AwsFailure, type Aws } from '../../transports/aws.ts';
import { createAws } from '../../transports/aws/client.ts';
import {
  parseWindow,
  windowFromAws,
  type AwsTarget,
  type AwsTask,
  type AwsWindow,
  type ImportedWindow,
  type WantedRunbook,
} from '../../windows/index.ts';
import { Refusal } from '../refusal.ts';

export interface ImportOptions {
  /** Names or ids of windows; none: all. */
  readonly only: readonly string[];
  readonly folder: string;
  /** Writes over files that are there. */
  readonly force: boolean;
  readonly signal: AbortSignal;
}

export interface WindowImport {
  readonly id: string;
  readonly name: string;
  /** The file, and those of its runbooks; null: nothing of the window can be run here. */
  readonly file: string | null;
  readonly runbooks: readonly string[];
  readonly left: ImportedWindow['left'];
  readonly told: readonly string[];
}

/** Throws Refusal; what was written before stays. */
export async function* importWindows(
  options: ImportOptions,
  aws: Aws = createAws(),
): AsyncGenerator<WindowImport> {
  try {
    const found = await listed(aws, options);
    for (const only of options.only) {
      if (found.some(({ id, name }) => id === only || name === only)) continue;
      throw new Refusal('usage', 'UNKNOWN_WINDOW', `AWS has no maintenance window ${only} in this region`, {
        hint: `it has ${found.map(({ name }) => name).join(', ') || 'none'}`,
      });
    }
    const names = new Map<string, number>();
    for (const { name } of found) names.set(name, (names.get(name) ?? 0) + 1);
    for (const { id, name } of found) {
      if (options.only.length > 0 && !options.only.includes(id) && !options.only.includes(name)) continue;
      const fileName = (names.get(name) ?? 1) > 1 ? `${name}-${id}` : name;
      yield await importOne(aws, id, fileName, options);
    }
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error;
    throw new Refusal('refused', error.code, `AWS could not be read: ${error.message}`);
  }
}

async function listed(aws: Aws, { signal }: ImportOptions): Promise<{ id: string; name: string }[]> {
  const found: { id: string; name: string }[] = [];
  for await (const page of pages('ssm', 'DescribeMaintenanceWindows', {}, { aws, signal })) {
    for (const identity of objectsIn(page, 'WindowIdentities'))
      found.push({ id: textIn(identity, 'WindowId'), name: textIn(identity, 'Name') });
  }
  return found;
}

async function importOne(
  aws: Aws,
  id: string,
  fileName: string,
  options: ImportOptions,
): Promise<WindowImport> {
  const { folder, signal } = options;
  const window = windowOf(
    await aws.call({ service: 'ssm', operation: 'GetMaintenanceWindow', params: { WindowId: id }, signal }),
  );
  const registered = new Map<string, readonly AwsTarget[]>();
  for await (const page of pages(
    'ssm',
    'DescribeMaintenanceWindowTargets',
    { WindowId: id },
    { aws, signal },
  ))
    for (const target of objectsIn(page, 'Targets'))
      registered.set(textIn(target, 'WindowTargetId'), targetsOf(target));
  const tasks: AwsTask[] = [];
  for await (const page of pages(
    'ssm',
    'DescribeMaintenanceWindowTasks',
    { WindowId: id },
    { aws, signal },
  )) {
    for (const task of objectsIn(page, 'Tasks')) {
      const params = { WindowId: id, WindowTaskId: textIn(task, 'WindowTaskId') };
      const whole = await aws.call({ service: 'ssm', operation: 'GetMaintenanceWindowTask', params, signal });
      tasks.push(taskOf({ ...task, ...whole }, registered));
    }
  }
  const imported = windowFromAws(window, tasks);
  const { left, told } = imported;
  const isEmpty = tasks.length === left.length;
  const file = join(folder, `${fileName}.yaml`);
  const written = isEmpty ? [] : await write(aws, file, imported, options);
  return { id, name: window.name, file: isEmpty ? null : file, runbooks: written, left, told };
}

async function write(
  aws: Aws,
  file: string,
  { text, runbooks }: ImportedWindow,
  { folder, force, signal }: ImportOptions,
): Promise<string[]> {
  const { diagnostics } = parseWindow({ file, text });
  const wrong = diagnostics.find(({ severity }) => severity === 'error');
  if (wrong !== undefined) {
    throw new Refusal(
      'refused',
      'NOT_IMPORTED',
      `${file}: AWS holds a window that Belay does not read: ${wrong.message}`,
      {
        hint: 'nothing was written for it',
      },
    );
  }
  const texts: [string, string][] = [];
  for (const runbook of runbooks)
    texts.push([join(folder, runbook.file), await runbookText(aws, runbook, signal)]);
  texts.push([file, text]);
  for (const [path] of texts) {
    if (!force && existsSync(path)) {
      throw new Refusal('refused', 'FILE_EXISTS', `${path} exists; nothing was written for this window`, {
        hint: '--force writes over it',
      });
    }
  }
  for (const [path, content] of texts) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  return texts.slice(0, -1).map(([path]) => path);
}

async function runbookText(aws: Aws, runbook: WantedRunbook, signal: AbortSignal): Promise<string> {
  if (runbook.kind === 'made') return runbook.text;
  const { name, version } = runbook;
  const params = {
    Name: name,
    DocumentFormat: 'YAML',
    ...(version === undefined ? {} : { DocumentVersion: version }),
  };
  const content = textIn(
    await aws.call({ service: 'ssm', operation: 'GetDocument', params, signal }),
    'Content',
  );
  return content.endsWith('\n') ? content : `${content}\n`;
}

function windowOf(reply: JsonObject): AwsWindow {
  const offset = numberIn(reply, 'ScheduleOffset');
  return {
    id: textIn(reply, 'WindowId'),
    name: textIn(reply, 'Name'),
    ...optional('description', textIn(reply, 'Description')),
    schedule: textIn(reply, 'Schedule'),
    ...optional('timezone', textIn(reply, 'ScheduleTimezone')),
    ...(offset === null || offset === 0 ? {} : { offsetDays: offset }),
    ...optional('startDate', textIn(reply, 'StartDate')),
    ...optional('endDate', textIn(reply, 'EndDate')),
    durationHours: numberIn(reply, 'Duration') ?? 0,
    cutoffHours: numberIn(reply, 'Cutoff') ?? 0,
    isEnabled: reply['Enabled'] !== false,
    createdAt: textIn(reply, 'CreatedDate'),
  };
}

function taskOf(reply: JsonObject, registered: ReadonlyMap<string, readonly AwsTarget[]>): AwsTask {
  const invocation = objectIn(reply, 'TaskInvocationParameters');
  const type = textIn(reply, 'TaskType') || textIn(reply, 'Type');
  const given = objectIn(invocation, type === 'AUTOMATION' ? 'Automation' : 'RunCommand');
  const own = targetsOf(reply);
  const byWindow = own.filter(({ key }) => key === 'WindowTargetIds').flatMap(({ values }) => values);
  const direct = own.filter(({ key }) => key !== 'WindowTargetIds');
  return {
    id: textIn(reply, 'WindowTaskId'),
    ...optional('name', textIn(reply, 'Name')),
    type,
    arn: textIn(reply, 'TaskArn'),
    priority: numberIn(reply, 'Priority') ?? 0,
    targets: [
      ...(direct.length === 0 ? [] : [direct]),
      ...byWindow.map((id) => registered.get(id) ?? [{ key: `the target ${id}`, values: [] }]),
    ],
    ...optional('maxConcurrency', textIn(reply, 'MaxConcurrency')),
    ...optional('maxErrors', textIn(reply, 'MaxErrors')),
    ...optional('cutoffBehavior', textIn(reply, 'CutoffBehavior')),
    parameters: Object.fromEntries(
      Object.keys(objectIn(given, 'Parameters')).map((name) => [
        name,
        textsIn(objectIn(given, 'Parameters'), name),
      ]),
    ),
    ...optional('documentVersion', textIn(given, 'DocumentVersion')),
    hasAlarm: isJsonObject(reply['AlarmConfiguration']),
  };
}

function targetsOf(reply: JsonObject): AwsTarget[] {
  return objectsIn(reply, 'Targets').map((target) => ({
    key: textIn(target, 'Key'),
    values: textsIn(target, 'Values'),
  }));
}

/** A member that is left out where AWS gave none. */
function optional(key: string, value: string): Readonly<Record<string, string>> {
  return value === '' ? {} : { [key]: value };
}
