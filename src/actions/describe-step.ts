/** What a step's action says of itself, given the inputs as written; frozen into the program when an execution starts. */
import type { Step } from '../document/types.ts';
import type { StepDescriptor, UndoDescriptor } from '../engine/types.ts';
import type { JsonObject } from '../json.ts';
import type { AnyAction } from './define-action.ts';

/** Throws when there is no such action: a document that was found sound has none of those. */
export function describeStep(actions: ReadonlyMap<string, AnyAction>, step: Step): StepDescriptor {
  const action = actions.get(step.action);
  if (action === undefined)
    throw new Error(`step ${step.name} has the action ${step.action}, which does not exist`);
  return describeAction(action, step.inputs);
}

/** An expression in an input that decides stands for the worse: the step is begun, and leaves a change behind. */
export function describeAction(action: AnyAction, inputs: JsonObject): StepDescriptor {
  return {
    flow: action.flow ?? null,
    effect: (typeof action.effect === 'function' ? action.effect(inputs) : action.effect).kind,
    observes: action.observe !== undefined,
    undo: describeUndo(action, inputs),
    timeoutSeconds: action.timeoutSeconds ?? null,
    removesRestorePoints: action.removesRestorePoints ?? null,
    usesRestorePoints: action.usesRestorePoints ?? null,
    verdict: action.verdict ?? null,
  };
}

export function describeUndo(action: AnyAction, inputs: JsonObject): UndoDescriptor {
  const undo = typeof action.undo === 'function' ? action.undo(inputs) : action.undo;
  switch (undo.kind) {
    case 'none':
      return { kind: 'none', reason: undo.reason, leavesChange: undo.leavesChange };
    case 'notNeeded':
    case 'restore':
    case 'restorePoint':
      return { kind: undo.kind };
    default:
      return undo satisfies never;
  }
}
