/**
 * Carries out one action as the activity host does: observe, begin or adopt, poll until it is not pending, release; then
 * the undo the same way. Values pass through JSON as they do in the journal. The caller's clock decides what waiting is.
 */
import type { ActionContext, AnyAction, Effect, Poll } from '../../../../src/actions/define-action.ts';
import type { Json, JsonObject } from '../../../../src/json.ts';
import { AwsFailure } from '../../../../src/transports/aws.ts';
import { HostFailure } from '../../../../src/transports/host.ts';
import { expectStatedBefore } from '../../stated-before.ts';

export type Ending = Exclude<Poll<JsonObject>, { kind: 'pending' }> | { kind: 'unknown'; why: string };

export interface Stage {
  readonly context: (token: string) => ActionContext;
  readonly now: () => number;
  readonly wait: (ms: number) => Promise<void>;
}

export interface Carried {
  readonly token: string;
  readonly before: Json;
  readonly handle: Json;
  readonly ending: Ending;
}

export const caseToken = 'b-0123456789abcdef0123456789abcdef01234567';
/** More rounds than any case needs. */
const roundsMax = 200;
const lookAgainMs = 500;

export async function carryOut(
  action: AnyAction,
  inputs: JsonObject,
  stage: Stage,
  token = caseToken,
): Promise<Carried> {
  const observed = await action.observe?.(inputs, stage.context(token));
  const before = throughJson(observed ?? null);
  expectStatedBefore(action, before);
  const effect = typeof action.effect === 'function' ? action.effect(inputs) : action.effect;
  return { before, token, ...(await effectToItsEnd(effect, inputs, before, token, stage)) };
}

export async function undo(
  action: AnyAction,
  inputs: JsonObject,
  carried: Carried,
  stage: Stage,
  knows: 'everything' | 'nothing' = 'everything',
): Promise<Ending> {
  const own = typeof action.undo === 'function' ? action.undo(inputs) : action.undo;
  if (own.kind !== 'restore' && own.kind !== 'restorePoint') throw new Error(`the undo is ${own.kind}`);
  const { ending, handle, before, token } = carried;
  const outputs = 'outputs' in ending ? (ending.outputs ?? null) : null;
  const known = knows === 'everything' ? { outputs, handle } : { outputs: null, handle: null };
  const effect = own.effect as Effect<unknown, Json, Json, JsonObject>;
  return (await effectToItsEnd(effect, { inputs, before, token, ...known }, null, `${token}-undo`, stage))
    .ending;
}

async function effectToItsEnd(
  effect: Effect<unknown, Json, Json, JsonObject>,
  inputs: unknown,
  before: Json,
  ownToken: string,
  stage: Stage,
): Promise<{ handle: Json; ending: Ending }> {
  const context = stage.context(ownToken);
  if (effect.kind === 'read')
    return { handle: null, ending: await rounds(() => effect.poll(inputs, context), stage) };
  if (effect.kind === 'repeatable')
    return { handle: null, ending: await rounds(() => effect.execute(inputs, before, context), stage) };
  const begun = await begin(effect, inputs, before, ownToken, stage);
  if (begun.kind !== 'running') return { handle: null, ending: begun };
  const { handle } = begun;
  const ending = await rounds(() => effect.poll(handle, inputs, before, context), stage);
  await effect.release?.(handle, inputs, context);
  return { handle, ending };
}

async function begin(
  effect: Extract<Effect<unknown, Json, Json, JsonObject>, { kind: 'begun' }>,
  inputs: unknown,
  before: Json,
  ownToken: string,
  stage: Stage,
): Promise<{ kind: 'running'; handle: Json } | Ending> {
  try {
    return {
      kind: 'running',
      handle: throughJson(await effect.begin(inputs, before, stage.context(ownToken))),
    };
  } catch (error) {
    if (!(error instanceof AwsFailure || error instanceof HostFailure) || error.effect !== 'unknown')
      throw error;
  }
  const until = stage.now() + effect.settleMs;
  for (;;) {
    const found = await effect.adopt(inputs, before, stage.context(ownToken));
    if (found.kind === 'running') return { kind: 'running', handle: throughJson(found.handle) };
    if (found.kind !== 'absent') return found;
    if (stage.now() >= until) return begin(effect, inputs, before, ownToken, stage);
    await stage.wait(lookAgainMs);
  }
}

async function rounds(ask: () => Promise<Poll<JsonObject>>, { wait }: Stage): Promise<Ending> {
  for (let round = 0; round < roundsMax; round += 1) {
    const answer = await ask();
    if (answer.kind !== 'pending') return throughJson(answer);
    await wait(answer.afterMs);
  }
  throw new Error(`still pending after ${roundsMax} rounds`);
}

function throughJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
