/** Everything that is right and wrong with a runbook in a file. Only reads. */
import { resolve } from 'node:path';
import { checkAny, type Catalog, type CheckedAny, type SourceText } from '../document/index.ts';
import { childProblems } from './child-problems.ts';
import type { Configurations } from './configuration.ts';
import { readText } from './read-text.ts';
import { Refusal } from './refusal.ts';

export interface FileLook {
  readonly strictSsm: boolean;
  /** Those that its steps name are looked at too. */
  readonly children?: boolean;
}

export interface CheckedFile extends CheckedAny {
  readonly source: SourceText;
}

/** Throws Refusal when the file cannot be read. */
export function checkFile(
  file: string,
  { strictSsm, children = false }: FileLook,
  { catalog, cwd, configurations }: { catalog: Catalog; cwd: string; configurations: Configurations },
): CheckedFile {
  const source = readText(file);
  if (!children) return { source, ...checkAny(source, catalog, { strictSsm }) };
  const look = { file: resolve(cwd, file), folders: runbookFolders(configurations), catalog };
  return { source, ...checkAny(source, catalog, { strictSsm, besides: childProblems(look) }) };
}

/** None where belay.yaml cannot be read: who runs something is told. */
function runbookFolders(configurations: Configurations): readonly string[] {
  try {
    return configurations.find().inventory?.runbookFolders ?? [];
  } catch (error) {
    if (error instanceof Refusal) return [];
    throw error;
  }
}
