/** aws:branch: where the flow goes on. */
import { chooseBranch } from '../../document/index.ts';
import type { Execution, Mode, StepRecord } from '../execution.ts';
import { scopeFor } from '../scope.ts';
import type { FlowEnding } from './flow-ending.ts';
import { flowFailed } from './flow-ending.ts';

export async function branch(execution: Execution, record: StepRecord, mode: Mode): Promise<FlowEnding> {
  const inputs = record.step.inputs;
  const scope = await scopeFor(execution, inputs, `${mode.idPrefix}${record.path}`, mode);
  if ('failure' in scope) return flowFailed(scope.failure.code, scope.failure.message);
  const decision = chooseBranch(inputs, scope.scope);
  switch (decision.kind) {
    case 'failed':
      return flowFailed('BRANCH_FAILED', decision.message);
    case 'none':
      return {
        status: 'Success',
        outputs: {},
        note: 'no choice was true',
        jump: null,
        decidedBy: decision.decidedBy,
      };
    case 'next':
    case 'default':
      return {
        status: 'Success',
        outputs: {},
        note: `→ ${decision.step}`,
        jump: decision.step,
        decidedBy: decision.decidedBy,
      };
    default:
      return decision satisfies never;
  }
}
