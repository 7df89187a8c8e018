/** What one function of an action is given when a test asks it by itself, without a host of activities. */
import {
  ActionFailure,
  newMemory,
  type ActionContext,
  type AnyAction,
  type Effect,
} from '../../src/actions/define-action.ts';
import type { Json, JsonObject } from '../../src/json.ts';
import { hashToken } from '../../src/runtime/token.ts';
import { noAws, type World } from './action-bed.ts';

/** `token`: the engine's. */
export function contextOf(world: World, token: string): ActionContext {
  const now = world.now ?? Date.now;
  return {
    executionId: world.executionId ?? '01TEST',
    step: 'Step',
    token: hashToken(token),
    signal: AbortSignal.timeout(world.timeoutMs ?? 120_000),
    aws: world.aws ?? noAws,
    fetch: globalThis.fetch,
    host: (name) => {
      const host = world.hosts?.[name];
      if (host === undefined) throw new ActionFailure({ code: 'UNKNOWN_HOST', message: `no host ${name}` });
      return host;
    },
    targets: (selectors) => selectors,
    log: () => ({ write: () => undefined }),
    notice: () => undefined,
    now: () => now(),
    startedAt: now(),
    kept: newMemory(),
    held: newMemory(),
    isSecret: (value) => (world.secrets ?? []).some((secret) => JSON.stringify(value).includes(secret)),
  };
}

type AnyEffect = Effect<unknown, Json, Json, JsonObject>;

export function effectOf(action: AnyAction, inputs: JsonObject): AnyEffect {
  return typeof action.effect === 'function' ? action.effect(inputs) : action.effect;
}

export function undoEffectOf(action: AnyAction, inputs: JsonObject): AnyEffect {
  const undo = typeof action.undo === 'function' ? action.undo(inputs) : action.undo;
  if (undo.kind !== 'restore' && undo.kind !== 'restorePoint') throw new Error(`undo is ${undo.kind}`);
  return undo.effect;
}
