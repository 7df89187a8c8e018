/**
 * Carries out one action as an execution would: the engine's one try of an effect (begin, adopt, wait, stop) over the
 * Runtime host in memory, and every activity by the real activity host, in the world that a test gives.
 */
import type { AnyAction } from '../../src/actions/define-action.ts';
import type { AnswerOf, InputOf, Work } from '../../src/engine/index.ts';
import type { Json, JsonObject } from '../../src/json.ts';
import { expectStatedBefore } from '../actions/stated-before.ts';
import { valueOf, type Ending } from './action-endings.ts';
import type { World } from './action-world.ts';
import { Bed, type Run, type RunOptions } from './one-action.ts';

export { NotDone, type Ending } from './action-endings.ts';
export type { World } from './action-world.ts';
export { Bed, type Run } from './one-action.ts';

let count = 0;
export const newToken = (): string => `t${process.pid}-${Date.now().toString(36)}-${(count += 1)}`;

/** Throws NotDone, and what is no failure that anybody expects. */
export async function observe(action: AnyAction, inputs: JsonObject, world: World): Promise<Json> {
  const bed = new Bed(action, inputs, world);
  const { observed } = valueOf(await bed.ask('prepare', { ...bed.work(null) }, newToken()));
  expectStatedBefore(action, observed);
  return observed;
}

/** Throws NotDone. */
export async function run(
  action: AnyAction,
  inputs: JsonObject,
  world: World,
  options: RunOptions = {},
): Promise<Run> {
  return carryOut(action, inputs, await observe(action, inputs, world), world, options);
}

/** The effect alone, with what was observed before. Throws NotDone. */
export async function carryOut(
  action: AnyAction,
  inputs: JsonObject,
  before: Json,
  world: World,
  options: RunOptions = {},
): Promise<Run> {
  const bed = new Bed(action, inputs, world);
  const { token = newToken(), outputs } = options;
  const work = { ...bed.work(before), ...(outputs === undefined ? {} : { declaredOutputs: outputs }) };
  const ended = await bed.carryOut(work, effectOf(action, inputs).kind === 'begun', token, options);
  return { inputs, before, token, ...ended };
}

/** Undoes a run, as a step that succeeded or failed. `knowing: 'nothing'`: neither handle nor outputs were journaled. */
export async function undo(
  action: AnyAction,
  done: Omit<Run, 'logged'>,
  world: World,
  options: RunOptions & { readonly knowing?: 'everything' | 'nothing' } = {},
): Promise<Ending> {
  const bed = new Bed(action, done.inputs, world);
  const knowsNothing = options.knowing === 'nothing';
  const outputs = 'outputs' in done.ending ? (done.ending.outputs ?? null) : null;
  const work: Work = {
    ...bed.work(done.before),
    undo: {
      outputs: knowsNothing ? null : outputs,
      handle: knowsNothing ? null : done.handle,
      token: done.token,
    },
  };
  const isBegun = undoEffectOf(action, done.inputs).kind === 'begun';
  return (await bed.carryOut(work, isBegun, options.token ?? newToken(), options)).ending;
}

/** One activity of an effect by itself, as a runner that was killed or cancelled would leave it. Throws NotDone. */
export async function ask<K extends 'begin' | 'adopt' | 'wait' | 'stop' | 'observe'>(
  kind: K,
  action: AnyAction,
  inputs: JsonObject,
  world: World,
  { before = null, handle = null, token = newToken() }: Asking = {},
): Promise<AnswerOf[K]> {
  const bed = new Bed(action, inputs, world);
  const input: Work & { readonly handle: Json } = { ...bed.work(before), handle };
  return valueOf(await bed.ask(kind, input as InputOf[K], token));
}

export interface Asking {
  readonly before?: Json;
  readonly handle?: Json;
  readonly token?: string;
}

export function effectOf(action: AnyAction, inputs: JsonObject) {
  return typeof action.effect === 'function' ? action.effect(inputs) : action.effect;
}

export function undoEffectOf(action: AnyAction, inputs: JsonObject) {
  const own = typeof action.undo === 'function' ? action.undo(inputs) : action.undo;
  if (own.kind !== 'restore' && own.kind !== 'restorePoint') throw new Error(`the undo is ${own.kind}`);
  return own.effect;
}
