/** checkDocument: text → Document, or everything that is wrong with it. */
import type { JsonObject } from '../json.ts';
import type { Catalog, CatalogProblem } from './catalog.ts';
import { withDerivedOutputs } from './derived-outputs.ts';
import type { Diagnostic, SourceText } from './diagnostic.ts';
import type { DocumentDraft } from './draft.ts';
import { parseTree } from './parse.ts';
import { readTree } from './read-tree.ts';
import { makeReport } from './report.ts';
import type { Document, Parameter } from './types.ts';
import { validateDraft } from './validate/validate.ts';
import { reportWrapper } from './wrapped.ts';

export interface CheckOptions {
  /** Refuse Belay's additions and what is larger than AWS allows. */
  readonly strictSsm?: boolean;
  /** Parameters whose default is a secret, as somebody has seen who may look it up. They count as declared `secret: true`. */
  readonly secretParameters?: readonly string[];
  /** What is wrong with the inputs of a step beyond its own text: in the files that it names. Paths are relative to `inputs`. */
  readonly besides?: (action: string, inputs: JsonObject) => readonly CatalogProblem[];
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
  const root = reportWrapper(source.text, report) ? undefined : readTree(source, report);
  const parsed = root === undefined ? undefined : parseTree(root, catalog, report);
  const draft = parsed === undefined ? undefined : withSecrets(parsed, options.secretParameters ?? []);
  if (draft !== undefined)
    validateDraft({
      source,
      catalog,
      report,
      strictSsm: options.strictSsm ?? false,
      draft,
      besides: options.besides ?? (() => []),
    });
  const diagnostics = report.finish();
  if (draft === undefined || report.hasErrors) return { diagnostics };
  return { document: withDerivedOutputs(draft.document, source.text, catalog), diagnostics };
}

function withSecrets(draft: DocumentDraft, names: readonly string[]): DocumentDraft {
  const { document } = draft;
  const parameters = Object.entries(document.parameters).map(([name, parameter]): [string, Parameter] => [
    name,
    names.includes(name) ? { ...parameter, secret: true } : parameter,
  ]);
  return { ...draft, document: { ...document, parameters: Object.fromEntries(parameters) } };
}
