/** Finds the effect that an activity is about: the action's own, or that of its undo; all three kinds behind one face. */
import { ActionFailure, type AnyAction, type Effect, type Undo } from '../../actions/define-action.ts';
import type { Work } from '../../engine/index.ts';
import { hashToken } from '../token.ts';
import type { Json, JsonObject } from '../../json.ts';

export interface BoundEffect {
  readonly effect: Effect<unknown, Json, Json, JsonObject>;
  readonly inputs: unknown;
  readonly before: Json;
}

/** `inputs` are revealed and checked. */
export function boundEffect(action: AnyAction, inputs: JsonObject, work: Work): BoundEffect {
  if (work.undo === undefined) {
    const effect = typeof action.effect === 'function' ? action.effect(inputs) : action.effect;
    return { effect, inputs, before: work.before };
  }
  const undo: Undo<unknown, Json, Json, JsonObject> =
    typeof action.undo === 'function' ? action.undo(inputs) : action.undo;
  if (undo.kind !== 'restore' && undo.kind !== 'restorePoint') {
    throw new ActionFailure({ code: 'NO_UNDO', message: `${action.name} has no undo for these inputs` });
  }
  const { outputs, handle, token } = work.undo;
  const again = undo.kind === 'restore' ? undo.again?.effect : undefined;
  return {
    effect: work.undo.again === true && again !== undefined ? again : undo.effect,
    inputs: { inputs, before: work.before, outputs, handle, token: hashToken(token) },
    before: null,
  };
}
