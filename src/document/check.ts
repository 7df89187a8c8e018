/** checkDocument: text → Document, or everything that is wrong with it. */
import type { Catalog } from './catalog.ts';
import type { Diagnostic, SourceText } from './diagnostic.ts';
import { parseTree } from './parse.ts';
import { readTree } from './read-tree.ts';
import { makeReport } from './report.ts';
import type { Document } from './types.ts';
import { validateDraft } from './validate/validate.ts';

export interface CheckOptions {
  /** Refuse Belay's additions and what is larger than AWS allows. */
  readonly strictSsm?: boolean;
}

export interface CheckedDocument {
  /** Present when no diagnostic is an error. */
  readonly document?: Document;
  /** In the order of the text; warnings among them. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads and validates a runbook. All problems come at once; nothing is thrown for a bad text. */
export function checkDocument(
  source: SourceText,
  catalog: Catalog,
  options: CheckOptions = {},
): CheckedDocument {
  const report = makeReport(source);
  const root = readTree(source, report);
  const draft = root === undefined ? undefined : parseTree(root, catalog, report);
  if (draft !== undefined)
    validateDraft({ source, catalog, report, strictSsm: options.strictSsm ?? false, draft });
  const diagnostics = report.finish();
  if (draft === undefined || report.hasErrors) return { diagnostics };
  return { document: draft.document, diagnostics };
}
