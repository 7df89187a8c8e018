/** aws:loop: its condition, and the limits that AWS has. */
import type { StepDraft } from '../draft.ts';
import { describeNode, type Entry } from '../tree.ts';
import { validateCondition } from './branch.ts';
import type { ValidationContext } from './context.ts';
import { inputSpan } from './spans.ts';

const loopAction = 'aws:loop';

/** Passes of one loop under --strict-ssm. */
const awsPassesMax = 100;

/** Where the condition of a loop stands; undefined: the step is not a loop, or goes over a list. */
export function conditionOf({ step, node }: StepDraft): Entry | undefined {
  const inputs = step.action === loopAction ? node.entries.get('inputs')?.value : undefined;
  return inputs?.kind === 'map' ? inputs.entries.get('LoopCondition') : undefined;
}

export function validateLoop(draft: StepDraft, context: ValidationContext): void {
  const { step } = draft;
  if (step.action !== loopAction) return;
  const { report, strictSsm } = context;
  const what = `step "${step.name}"`;
  const condition = conditionOf(draft);
  if (condition?.value.kind === 'map') validateCondition(condition.value, what, false, report);
  else if (condition !== undefined)
    report.error(
      'BAD_CONDITION',
      condition.keySpan,
      `LoopCondition of ${what} must be a condition, but is ${describeNode(condition.value)}`,
    );
  if (!strictSsm) return;
  const { MaxIterations: most, Iterators: items } = step.inputs;
  if (typeof most === 'number' && most > awsPassesMax)
    report.error(
      'SSM_LIMIT',
      inputSpan(draft, ['MaxIterations']),
      `MaxIterations of ${what} is ${most}, and AWS allows ${awsPassesMax}`,
    );
  if (Array.isArray(items) && items.length > awsPassesMax)
    report.error(
      'SSM_LIMIT',
      inputSpan(draft, ['Iterators']),
      `Iterators of ${what} holds ${items.length} items, and AWS allows ${awsPassesMax}`,
    );
}
