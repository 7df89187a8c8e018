/** Reads maintenance windows of AWS and writes them as files. Nothing of AWS is changed. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { objectsIn, pages, textIn } from '../../actions/aws/reply.ts';
import type { JsonObject } from '../../json.ts';
import { AwsFailure, type Aws } from '../../transports/aws.ts';
import { createAws } from '../../transports/aws/client.ts';
import {
  parseWindow,
  windowFromAws,
  type AwsTarget,
  type AwsTask,
  type ImportedWindow,
  type WantedRunbook,
} from '../../windows/index.ts';
import { Refusal } from '../refusal.ts';
import { readDocuments, textByName } from './import-documents.ts';
import { targetsOf, taskOf, windowOf } from './import-replies.ts';

export interface ImportOptions {
  /** Names or ids of windows; none: all. */
  readonly only: readonly string[];
  readonly folder: string;
  /** Writes over files that are there. */
  readonly force: boolean;
  readonly signal: AbortSignal;
}

export type WindowImport =
  | {
      readonly kind: 'imported';
      readonly id: string;
      readonly name: string;
      /** The window's file; where nothing of it can be run here, a text beside the windows that keeps what AWS tells of it. */
      readonly file: string;
      readonly isWindow: boolean;
      readonly runbooks: readonly string[];
      readonly left: ImportedWindow['left'];
      readonly told: readonly string[];
    }
  /** Nothing was written for it. */
  | {
      readonly kind: 'refused';
      readonly id: string;
      readonly name: string;
      readonly code: string;
      readonly why: string;
      readonly hint: string;
    };

/** One window after the other; what keeps one from being written keeps no other. Throws Refusal. */
export async function* importWindows(
  options: ImportOptions,
  aws: Aws = createAws(),
): AsyncGenerator<WindowImport> {
  const found = await asRefusal(() => listed(aws, options));
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
    try {
      yield await asRefusal(() => importOne(aws, id, fileName, options));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { code, message: why, hint = '' } = error;
      yield { kind: 'refused', id, name, code, why, hint };
    }
  }
}

async function asRefusal<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
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
  // Descriptions and what a task gives its document count as sensitive in AWS's models, and are what is asked for here.
  const ask = (operation: string, params: JsonObject): Promise<JsonObject> =>
    aws.call({ service: 'ssm', operation, params: { WindowId: id, ...params }, signal }, { reveal: true });
  const window = windowOf(await ask('GetMaintenanceWindow', {}));
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
      const whole = await ask('GetMaintenanceWindowTask', { WindowTaskId: textIn(task, 'WindowTaskId') });
      tasks.push(taskOf({ ...task, ...whole }, registered));
    }
  }
  const documents = await readDocuments(aws, tasks, signal);
  const known = [...documents].map(([task, { document }]) => [task, document] as const);
  const imported = windowFromAws(window, tasks, new Map(known));
  const { left, told } = imported;
  const isWindow = tasks.length > left.length;
  if (!fileNamePattern.test(fileName))
    throw new Refusal('refused', 'NOT_IMPORTED', 'AWS gives it a name that no window file can have');
  const file = join(folder, isWindow ? `${fileName}.yaml` : `${fileName}.not-run.txt`);
  if (isWindow) refuseUnread(file, imported.text);
  const textOf = (runbook: WantedRunbook): string =>
    runbook.kind === 'made' ? runbook.text : (textByName(documents, runbook) ?? '');
  const runbooks = imported.runbooks.map((each) => [join(folder, each.file), textOf(each)] as const);
  writeAll([...runbooks, [file, imported.text]], options);
  const base = { kind: 'imported', id, name: window.name, file, isWindow } as const;
  return { ...base, runbooks: runbooks.map(([path]) => path), left, told };
}

const fileNamePattern = /^[a-zA-Z0-9_\-.]+$/;

/** Throws Refusal. */
function refuseUnread(file: string, text: string): void {
  const wrong = parseWindow({ file, text }).diagnostics.find(({ severity }) => severity === 'error');
  if (wrong === undefined) return;
  throw new Refusal(
    'refused',
    'NOT_IMPORTED',
    `AWS holds a window that Belay does not read: ${wrong.message}`,
    {
      hint: 'nothing was written for it',
    },
  );
}

/** All of them or none. A file that says the same already is no other's. Throws Refusal. */
function writeAll(
  files: readonly (readonly [path: string, text: string])[],
  { force }: Pick<ImportOptions, 'force'>,
): void {
  for (const [path, text] of files) {
    if (force || !existsSync(path) || readFileSync(path, 'utf8') === text) continue;
    throw new Refusal('refused', 'FILE_EXISTS', `${path} exists and says something else`, {
      hint: 'nothing was written for this window; --force writes over it',
    });
  }
  for (const [path, text] of files) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}
