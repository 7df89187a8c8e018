/**
 * An undo in two parts. First it only looks, and what it found is journaled; then it drives the world back to what
 * was there before the step. So an undo that needs several rounds, or a second runner, still knows what it changed.
 */
import type { Json, JsonObject } from '../../json.ts';
import type { ActionContext, BegunEffect, Poll } from '../define-action.ts';

export function restoring<U, F extends Json>(parts: {
  look(undo: U, context: ActionContext): Promise<F>;
  /** Repeatable. Done without changes when what was found is what there was before. */
  drive(found: F, undo: U, context: ActionContext): Promise<Poll<JsonObject>>;
}): BegunEffect<U, null, F, JsonObject> {
  return {
    kind: 'begun',
    begin: (undo, _before, context) => parts.look(undo, context),
    // Looking changes nothing, so whatever became of it, it may be done again at once.
    adopt: () => Promise.resolve({ kind: 'absent' }),
    poll: (found, undo, _before, context) => parts.drive(found, undo, context),
    settleMs: 0,
  };
}
