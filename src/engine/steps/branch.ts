/** aws:branch: where the flow goes on. */
import { chooseBranch } from '../../document/index.ts';
import { flowDone, flowFailed } from '../endings.ts';
import { scopeFor } from '../scope.ts';
import type { RunStep } from '../step-run.ts';

export const branch: RunStep = async ({ frame, record: { step }, id }) => {
  const scope = await scopeFor(frame, step.inputs, id);
  if ('failure' in scope) return flowFailed(scope.failure.code, scope.failure.message);
  const decision = chooseBranch(step.inputs, scope.scope);
  switch (decision.kind) {
    case 'failed':
      return flowFailed('BRANCH_FAILED', decision.message);
    case 'none':
      return flowDone({}, 'no choice was true', { jump: null, decidedBy: decision.decidedBy });
    case 'next':
    case 'default':
      return flowDone({}, `→ ${decision.step}`, { jump: decision.step, decidedBy: decision.decidedBy });
    default:
      return decision satisfies never;
  }
};
