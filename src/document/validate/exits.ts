/** Jumps out of a loop: the steps of a pass may lead to a step of a list around the loop. */
import type { StepDraft } from '../draft.ts';
import type { Span } from '../tree.ts';
import { branchAction, branchTargets } from './branch.ts';
import type { StepList } from './context.ts';

export interface Exit {
  readonly target: string;
  /** Where the jump is written. */
  readonly span: Span;
}

/** Whether the step stands in a list around the loop that this list is of, as far out as loops reach. */
export function leavesTo(list: StepList, target: string): boolean {
  for (let at = list; at.nestedIn?.owner.scope === 'pass' && at.outer !== undefined; at = at.outer)
    if (at.outer.indexOf.has(target)) return true;
  return false;
}

/** Jumps from the steps of a loop, and of loops in it, to steps that are not beside them. */
export function exitsOf({ scope, nested }: StepDraft): Exit[] {
  if (scope !== 'pass') return [];
  const drafts = [...nested.values()].flat();
  const own = new Set<string>(drafts.map(({ step }) => step.name));
  return drafts
    .flatMap((draft) => [...jumpsOf(draft), ...exitsOf(draft)])
    .filter(({ target }) => !own.has(target));
}

function jumpsOf(draft: StepDraft): Exit[] {
  const { step, node, nameSpan } = draft;
  const at = (key: string, target: string): Exit => ({
    target,
    span: node.entries.get(key)?.value.span ?? nameSpan,
  });
  const branches = step.action === branchAction ? branchTargets(draft) : [];
  return [
    ...branches.map(({ step: target, span }) => ({ target, span })),
    ...(step.nextStep === undefined || step.isEnd ? [] : [at('nextStep', step.nextStep)]),
    ...(step.onFailure.kind === 'step' ? [at('onFailure', step.onFailure.step)] : []),
    ...(step.onCancel.kind === 'step' ? [at('onCancel', step.onCancel.step)] : []),
  ];
}
