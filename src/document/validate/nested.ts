/** Steps nested in the inputs of another: lists that may only look hold nothing that changes the world. */
import type { StepList, ValidationContext } from './context.ts';

export function validateNested(list: StepList, { catalog, report }: ValidationContext): void {
  if (list.nestedIn === undefined) return;
  const { owner, input } = list.nestedIn;
  if (catalog.action(owner.step.action)?.nests?.lists[input]?.readsOnly !== true) return;
  for (const { step, node, nameSpan, undo } of list.drafts) {
    const at = node.entries.get('action')?.value.span ?? nameSpan;
    if (catalog.action(step.action)?.changes(step.inputs) !== 'nothing')
      report.error(
        'GATE_CHANGES',
        at,
        `step "${step.name}" (${step.action}) can change the world, but ${input} of "${owner.step.name}" may only look`,
        `Put it into Steps: ${input} is asked before and after each target, and again while climbing down.`,
      );
    if (undo !== undefined)
      report.error('UNDO', at, `step "${step.name}" only looks, so there is nothing to undo`);
  }
}
