/** What a step can do to the world and how that is taken back, from its program. */
import type { Step } from '../../document/types.ts';
import type { Reach } from '../events.ts';
import type { StepDescriptor } from '../types.ts';

export function reachOf(step: Step, { flow, effect, undo }: StepDescriptor): Reach {
  if (flow !== null && flow !== 'child') return { kind: 'nothing' };
  if (step.undo.kind === 'steps') return { kind: 'undone', by: 'list' };
  if (effect === 'read') return { kind: 'nothing' };
  // Its author knows better than the action.
  if (step.undo.kind === 'none') return { kind: 'harmless', reason: step.undo.reason };
  // A child that was found climbs down; one that the service ran is told of when it has ended.
  if (flow === 'child') return { kind: 'undone', by: 'action' };
  switch (undo.kind) {
    case 'notNeeded':
      return { kind: 'nothing' };
    case 'none':
      return undo.leavesChange ? { kind: 'stays', reason: undo.reason } : { kind: 'nothing' };
    case 'restore':
    case 'restorePoint':
      return { kind: 'undone', by: 'action' };
    default:
      return undo satisfies never;
  }
}
