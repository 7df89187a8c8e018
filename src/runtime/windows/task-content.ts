/**
 * What a task is, as somebody who says yes to it sees it: what its window file says of it, and every file that it is known to run, each
 * by a hash. A word that was given for something else is not a yes.
 */
import { createHash } from 'node:crypto';
import type { Inventory } from '../../inventory/index.ts';
import { everyStep, programFiles } from '../program-files.ts';
import { readBytes } from '../read-text.ts';
import type { RunbookTask, Task, TaskContent, TaskContents } from '../../windows/index.ts';
import { knownParameters } from './worst-case.ts';
import { runbooksOf, type ReadRunbook } from './task-runbooks.ts';

export interface ContentSources {
  readonly read: ReadRunbook;
  readonly inventory: Inventory | null;
}

export async function contentsOf(tasks: readonly Task[], sources: ContentSources): Promise<TaskContents> {
  const contents = tasks.map(async (task): Promise<[string, TaskContent]> => {
    const files = task.check === undefined ? await filesOf(task, sources) : [task.check];
    const hashes = [...new Set(files)].toSorted().map((file) => [file, fileSha256(file)] as const);
    return [task.name, { says: sha256(JSON.stringify(task)), files: Object.fromEntries(hashes) }];
  });
  return Object.fromEntries(await Promise.all(contents));
}

/** The runbook, those that its steps run, and Command documents beside them. Attachments are in the runbook by their hash. */
async function filesOf(task: RunbookTask, { read, inventory }: ContentSources): Promise<string[]> {
  const found = read(task.runbook);
  if ('problem' in found) return [task.runbook];
  const { document } = found;
  const { runbooks } = runbooksOf(
    { file: task.runbook, document, parameters: knownParameters(task, document) },
    { read, folders: inventory?.runbookFolders ?? [] },
  );
  const files: string[] = [];
  for (const { file, document: inside } of runbooks) {
    if (!file.startsWith('aws:')) files.push(file);
    const beside = programFiles(inside, file);
    for (const { action, inputs } of everyStep(inside.mainSteps)) {
      const { DocumentName: name } = inputs;
      if (action !== 'aws:runCommand' || typeof name !== 'string' || name.includes('{{')) continue;
      const command = await beside.commandDocument(name).catch(() => undefined);
      if (command !== undefined) files.push(command.file);
    }
  }
  return files;
}

/** Of the bytes; what cannot be read is like nothing that could be. */
function fileSha256(file: string): string {
  try {
    return sha256(readBytes(file));
  } catch {
    return '';
  }
}

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
