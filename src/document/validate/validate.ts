/** Everything that the parts of a document mean together, one family of rules after the other. */
import type { Catalog } from '../catalog.ts';
import type { SourceText } from '../diagnostic.ts';
import type { DocumentDraft, StepDraft } from '../draft.ts';
import type { Report } from '../report.ts';
import { validateFlow, type Flow } from './flow.ts';
import { validateInputs } from './inputs.ts';
import { validateNames } from './names.ts';
import { validateNested } from './nested.ts';
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

/** Steps that jump to each other: the main steps, the undo list of a step, or steps nested in one. */
export interface StepList {
  readonly drafts: readonly StepDraft[];
  /** First of a name wins; the others are reported. */
  readonly indexOf: ReadonlyMap<string, number>;
  /** The list around this one, whose outputs can be read here too. */
  readonly outer?: StepList;
  /** The step that the list undoes. */
  readonly undoOf?: StepDraft;
  /** The step that nests this list, and the input that holds it. */
  readonly nestedIn?: { readonly owner: StepDraft; readonly input: string };
}

export function validateDraft(context: ValidationContext): void {
  const { draft } = context;
  const main = stepList(draft.steps);
  validateParameters(context);
  validateDocumentReferences(context);
  validateDocumentSecrets(context);
  validateList(main, undefined, context);
  validateOutputs(main, context);
  validateUndo(context);
  if (context.strictSsm) validateStrict(context);
}

/** The list, and the lists inside of it. `outerFlow`: where the steps around it can lead. */
function validateList(list: StepList, outerFlow: Flow | undefined, context: ValidationContext): void {
  validateNames(list, context);
  validateNested(list, context);
  for (const draft of list.drafts) validateInputs(draft, context);
  const flow = validateFlow(list, context);
  validateStepReferences(list, flow, outerFlow, context);
  validateStepSecrets(list, context);
  for (const owner of list.drafts) {
    if (owner.undo !== undefined)
      validateList(stepList(owner.undo, { outer: list, undoOf: owner }), undefined, context);
    for (const [input, drafts] of owner.nested)
      validateList(stepList(drafts, { outer: list, nestedIn: { owner, input } }), flow, context);
  }
}

/** Every list that can be read from this one, the nearest first. */
export function* listsAround(list: StepList | undefined): Generator<StepList> {
  for (let at = list; at !== undefined; at = at.outer) yield at;
}

/** The step in whose inputs the list stands, at any distance. */
export function nestingOf(list: StepList): StepList['nestedIn'] {
  for (const { nestedIn } of listsAround(list)) if (nestedIn !== undefined) return nestedIn;
  return undefined;
}

function stepList(
  drafts: readonly StepDraft[],
  place: Pick<StepList, 'outer' | 'undoOf' | 'nestedIn'> = {},
): StepList {
  const indexOf = new Map<string, number>();
  for (const [index, { step }] of drafts.entries()) {
    if (!indexOf.has(step.name)) indexOf.set(step.name, index);
  }
  return { drafts, indexOf, ...place };
}
