/**
 * Conditions as AWS's own schema, guide and runbooks have them, for --strict-ssm: And and Or join two or more conditions, Not
 * stands over one, text is compared with text, numbers with numbers, true and false with true and false.
 */
import { numericOperators, operators, stringOperators } from '../condition.ts';
import type { StepDraft } from '../draft.ts';
import { isExpression } from '../expression.ts';
import type { Report } from '../report.ts';
import { describeNode, type Entry, type TreeNode } from '../tree.ts';
import { branchAction } from './branch.ts';

const connectives = ['And', 'Or', 'Not'];

export function refuseLooseConditions(draft: StepDraft, report: Report): void {
  if (draft.step.action !== branchAction) return;
  const inputs = draft.node.entries.get('inputs')?.value;
  const choices = inputs?.kind === 'map' ? inputs.entries.get('Choices')?.value : undefined;
  for (const choice of choices?.kind === 'list' ? choices.items : [])
    refuseIn(choice, `step "${draft.step.name}"`, report);
}

function refuseIn(node: TreeNode, what: string, report: Report): void {
  if (node.kind !== 'map') return;
  for (const entry of node.entries.values()) {
    if (connectives.includes(entry.key)) refuseConnective(entry, what, report);
    else if (operators.some((name) => name === entry.key)) refuseConstant(entry, what, report);
  }
}

function refuseConnective({ key, keySpan, value }: Entry, what: string, report: Report): void {
  const operands = value.kind === 'list' ? value.items : [value];
  if (key !== 'Not' && value.kind === 'list' && operands.length === 1) {
    const message = `${key} of ${what} joins one condition, AWS wants two or more`;
    report.error('BAD_CONDITION', keySpan, message, 'Write the condition without it.');
  }
  for (const operand of operands) refuseIn(operand, what, report);
}

function refuseConstant({ key, value }: Entry, what: string, report: Report): void {
  const constant = value.kind === 'scalar' ? value.value : null;
  if (constant === null || isExpression(constant)) return;
  const wanted = stringOperators.some((name) => name === key)
    ? 'string'
    : numericOperators.some((name) => name === key)
      ? 'number'
      : 'boolean';
  if (typeof constant === wanted) return;
  const noun = { string: 'text', number: 'a number', boolean: 'true or false' }[wanted];
  report.error(
    'BAD_CONDITION',
    value.span,
    `${key} of ${what} compares with ${describeNode(value)}, and AWS wants ${noun}`,
  );
}
