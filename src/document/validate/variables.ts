/** aws:updateVariable: it names a variable of the document, and gives it a value of its type. */
import type { StepDraft } from '../draft.ts';
import { referencesIn } from '../expression.ts';
import { own } from '../../json.ts';
import type { Entry } from '../tree.ts';
import { variableNamed, variableProblem } from '../variables.ts';
import type { StepList, ValidationContext } from './context.ts';
import { inputSpan } from './spans.ts';

const updateAction = 'aws:updateVariable';

/** Where the name of the variable stands, which no expression gives although it may have braces. */
export function nameOfUpdated({ step, node }: StepDraft): Entry | undefined {
  const inputs = step.action === updateAction ? node.entries.get('inputs')?.value : undefined;
  return inputs?.kind === 'map' ? inputs.entries.get('Name') : undefined;
}

export function validateUpdate(draft: StepDraft, list: StepList, context: ValidationContext): void {
  const { step, node, nameSpan } = draft;
  if (step.action !== updateAction) return;
  const { report } = context;
  const variables = context.draft.document.variables ?? {};
  const what = `step "${step.name}"`;
  const onCancel = node.entries.get('onCancel');
  // Abort is what happens anyway, and AWS's own documents write it.
  if (onCancel !== undefined && step.onCancel.kind !== 'Abort')
    report.error(
      'ON_CANCEL',
      onCancel.keySpan,
      `${what} has an onCancel, which aws:updateVariable does not take`,
    );
  if (list.undoOf !== undefined) {
    const message = `${what} changes a variable, but undo lists read the values of the time when their step ran`;
    report.error('UNDO', node.entries.get('action')?.value.span ?? nameSpan, message);
  }
  const { Name: written, Value: value } = step.inputs;
  if (written === undefined) return;
  const name = variableNamed(written);
  const variable = name === undefined ? undefined : own(variables, name);
  if (name === undefined || variable === undefined) {
    const message =
      name === undefined
        ? `Name of ${what} is ${JSON.stringify(written)}, and must be variable:NAME`
        : `${what} changes variable:${name}, but the document has no variable ${name}`;
    const hint = name === undefined ? undefined : report.suggest(name, () => Object.keys(variables));
    report.error('UNKNOWN_REFERENCE', inputSpan(draft, ['Name']), message, hint);
    return;
  }
  if (value === undefined || referencesIn(value).length > 0) return;
  const problem = variableProblem(name, variable, value);
  if (problem !== undefined) report.error('WRONG_INPUT', inputSpan(draft, ['Value']), problem);
}
