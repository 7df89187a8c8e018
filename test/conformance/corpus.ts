/**
 * A folder of SSM documents that others have written, and what Belay says of each: the corpus lies beside the repository
 * or where BELAY_CORPUS says, and nothing of its text is kept here.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

import { createCatalog } from '../../src/actions/catalog.ts';
import { checkAny, type Catalog, type Diagnostic } from '../../src/document/index.ts';
import { offlineModels } from '../../src/runtime/offline-models.ts';

export const corpusFolder =
  process.env['BELAY_CORPUS'] ?? join(import.meta.dirname, '..', '..', '..', 'shared', 'corpus');

export const hasCorpus = existsSync(corpusFolder);

export interface CorpusFile {
  /** Below the corpus. */
  readonly path: string;
  readonly text: string;
  /** The first 16 hexadecimal digits of the SHA-256 of its bytes. */
  readonly checksum: string;
}

/** From good to bad: what gets worse moves to the right. */
export const outcomes = ['clean', 'warnings', 'refused', 'crash'] as const;
export type OutcomeKind = (typeof outcomes)[number];

export interface Outcome {
  readonly kind: OutcomeKind;
  /** Codes of errors, or of warnings where there are no errors; sorted, each once. */
  readonly codes: readonly string[];
}

export interface Checked {
  readonly file: CorpusFile;
  readonly outcome: Outcome;
  readonly diagnostics: readonly Diagnostic[];
}

/** Every document below a folder of the corpus, in the order of its paths. */
export function corpusFiles(kind: 'automation' | 'command', folder = corpusFolder): readonly CorpusFile[] {
  return readdirSync(join(folder, kind), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/^(?:LICEN[CS]E|NOTICE)/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
    .map((path) => {
      const bytes = readFileSync(path);
      const checksum = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
      return { path: relative(folder, path), text: bytes.toString('utf8'), checksum };
    });
}

export function belayCatalog(): Catalog {
  return createCatalog(offlineModels());
}

export function checkFile(file: CorpusFile, catalog: Catalog): Checked {
  try {
    const { diagnostics } = checkAny({ file: file.path, text: file.text }, catalog);
    return { file, outcome: outcomeOf(diagnostics), diagnostics };
  } catch (error) {
    const name = error instanceof Error ? error.name : 'unknown';
    return { file, outcome: { kind: 'crash', codes: [name] }, diagnostics: [] };
  }
}

function outcomeOf(diagnostics: readonly Diagnostic[]): Outcome {
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const told = errors.length > 0 ? errors : diagnostics;
  const codes = [...new Set(told.map(({ code }) => code))].toSorted();
  return { kind: errors.length > 0 ? 'refused' : told.length > 0 ? 'warnings' : 'clean', codes };
}
