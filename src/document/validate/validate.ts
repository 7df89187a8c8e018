/** Everything that the parts of a document mean together, one family of rules after the other. */
import type { Catalog } from '../catalog.ts';
import type { SourceText } from '../diagnostic.ts';
import type { DocumentDraft, StepDraft } from '../draft.ts';
import type { Report } from '../report.ts';
import { validateFlow } from './flow.ts';
import { validateInputs } from './inputs.ts';
import { validateNames } from './names.ts';
import { validateOutputs } from './outputs.ts';
import { validateParameters } from './parameters.ts';
import { validateDocumentReferences, validateStepReferences } from './references.ts';
import { validateDocumentSecrets, validateStepSecrets } from './secrets.ts';
import { validateStrict } from './strict.ts';
import { validateUndo } from './undo.ts';

export interface ValidationContext {
  readonly source: SourceText;
  readonly catalog: Catalog;
  readonly report: Report;
  readonly strictSsm: boolean;
  readonly draft: DocumentDraft;
}

/** Steps that jump to each other: the main steps, or the undo list of one of them. */
export interface StepList {
  readonly drafts: readonly StepDraft[];
  /** First of a name wins; the others are reported. */
  readonly indexOf: ReadonlyMap<string, number>;
  /** The step that the list undoes. */
  readonly undoOf?: StepDraft;
}

export function validateDraft(context: ValidationContext): void {
  const { draft } = context;
  const main = stepList(draft.steps);
  validateParameters(context);
  validateDocumentReferences(context);
  validateDocumentSecrets(context);
  validateList(main, main, context);
  for (const owner of draft.steps) {
    if (owner.undo !== undefined) validateList(stepList(owner.undo, owner), main, context);
  }
  validateOutputs(main, context);
  validateUndo(context);
  if (context.strictSsm) validateStrict(context);
}

function validateList(list: StepList, main: StepList, context: ValidationContext): void {
  validateNames(list, main, context);
  for (const draft of list.drafts) validateInputs(draft, context);
  validateStepReferences(list, main, validateFlow(list, context), context);
  validateStepSecrets(list, context);
}

function stepList(drafts: readonly StepDraft[], undoOf?: StepDraft): StepList {
  const indexOf = new Map<string, number>();
  for (const [index, { step }] of drafts.entries()) {
    if (!indexOf.has(step.name)) indexOf.set(step.name, index);
  }
  return { drafts, indexOf, ...(undoOf === undefined ? {} : { undoOf }) };
}
