/** Texts as SSM reads them, for --strict-ssm: its subset of JSONPath, no expression within another one, and roles as it takes them. */
import { everyDraft, type StepDraft } from '../draft.ts';
import { isExpression } from '../expression.ts';
import { parseReference } from '../reference.ts';
import type { Report } from '../report.ts';
import { beyondSsm } from '../selector-spelling.ts';
import type { Span, TreeNode } from '../tree.ts';
import type { ValidationContext } from './context.ts';
import { inputSpan } from './spans.ts';

export function refuseLooseTexts({ draft, report }: ValidationContext): void {
  for (const step of everyDraft(draft.steps)) {
    checkSelectors(step, report);
    refuseNestedBraces(step, report);
  }
  const role = draft.node.entries.get('assumeRole')?.value;
  const { assumeRole } = draft.document;
  if (role === undefined || typeof assumeRole !== 'string' || assumeRole.trim() === '') return;
  if (isExpression(assumeRole) || /^arn:[\w-]+:iam::\d{12}:role\/.+$/.test(assumeRole)) return;
  // What a build fills in (%%Role%%, ${Role}) is neither a name nor an ARN.
  if (!/^(?:arn:.*|[\w+=,.@/-]+)$/.test(assumeRole)) return;
  const message = `assumeRole is ${JSON.stringify(assumeRole)}, and AWS takes the ARN of a role`;
  report.error('WRONG_VALUE', role.span, message);
}

function checkSelectors(draft: StepDraft, report: Report): void {
  const { step, node, nameSpan } = draft;
  const list = node.entries.get('outputs')?.value;
  const check = (what: string, selector: string, at: Span): void => {
    const found = beyondSsm(selector);
    if (found !== undefined)
      report.error('BAD_SELECTOR', at, `${what} has ${found}, which AWS's JSONPath does not have`);
  };
  for (const [index, { Selector: selector, Name: name }] of step.outputs.entries()) {
    const item = list?.kind === 'list' ? list.items[index] : undefined;
    const at = item?.kind === 'map' ? item.entries.get('Selector')?.value.span : undefined;
    check(`the selector of the output ${name}`, selector, at ?? nameSpan);
  }
  const { PropertySelector: property } = step.inputs;
  if (typeof property === 'string' && !isExpression(property))
    check('PropertySelector', property, inputSpan(draft, ['PropertySelector']));
}

function refuseNestedBraces({ node, step }: StepDraft, report: Report): void {
  const visit = (value: TreeNode): void => {
    if (value.kind === 'list') for (const item of value.items) visit(item);
    else if (value.kind === 'map') for (const entry of value.entries.values()) visit(entry.value);
    else if (typeof value.value === 'string') {
      for (const [, inner = ''] of value.value.matchAll(/\{\{\s*\{\{([^{}]*)\}\}\s*\}\}/g))
        if (parseReference(inner.trim()) !== undefined)
          report.error(
            'BAD_EXPRESSION',
            value.span,
            `step "${step.name}" has an expression within another one, and AWS resolves none of that kind`,
          );
    }
  };
  const inputs = node.entries.get('inputs')?.value;
  if (inputs !== undefined) visit(inputs);
}
