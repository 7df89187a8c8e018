/** Everything that the parts of a document mean together, one family of rules after the other. */
import { stepList, type StepList, type ValidationContext } from './context.ts';
import { validateControlFlow, type ControlFlowGraph } from './control-flow.ts';
import { validateIgnored } from './ignored.ts';
import { validateInputs } from './inputs.ts';
import { validateLoop } from './loop.ts';
import { validateNames } from './names.ts';
import { validateNested } from './nested.ts';
import { validateOutputs } from './outputs.ts';
import { validateParameters } from './parameters.ts';
import { validateDocumentReferences, validateStepReferences } from './references.ts';
import { validateDocumentSecrets, validateStepSecrets } from './secrets.ts';
import { validateStrict } from './strict.ts';
import { validateUpdate } from './variables.ts';
import { validateUndo, validateUndoNeeds } from './undo.ts';

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
function validateList(
  list: StepList,
  outerFlow: ControlFlowGraph | undefined,
  context: ValidationContext,
): void {
  validateNames(list, context);
  validateNested(list, context);
  validateUndoNeeds(list, context);
  for (const draft of list.drafts) {
    validateInputs(draft, context);
    validateIgnored(draft, context);
    validateLoop(draft, context);
    validateUpdate(draft, list, context);
  }
  const flow = validateControlFlow(list, context);
  validateStepReferences(list, flow, outerFlow, context);
  validateStepSecrets(list, context);
  for (const owner of list.drafts) {
    if (owner.undo !== undefined)
      validateList(stepList(owner.undo, { outer: list, undoOf: owner }), undefined, context);
    for (const [input, drafts] of owner.nested)
      validateList(stepList(drafts, { outer: list, nestedIn: { owner, input } }), flow, context);
  }
}
