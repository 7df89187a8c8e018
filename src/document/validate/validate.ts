/** Everything that the parts of a document mean together, one family of rules after the other. */
import type { Catalog } from '../catalog.ts';
import type { SourceText } from '../diagnostic.ts';
import type { DocumentDraft } from '../draft.ts';
import type { Report } from '../report.ts';

export interface ValidationContext {
  readonly source: SourceText;
  readonly catalog: Catalog;
  readonly report: Report;
  readonly strictSsm: boolean;
}

export function validateDraft(draft: DocumentDraft, context: ValidationContext): void {
  void draft;
  void context;
}
