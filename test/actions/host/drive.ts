/**
 * Drives one action the way the activity host does – observe, begin or adopt, poll until it is not pending, undo –
 * without an engine. Values pass through JSON where the journal would hold them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ActionFailure,
  newMemory,
  type ActionContext,
  type AnyAction,
  type Effect,
  type Poll,
} from '../../../src/actions/define-action.ts';
import type { Json, JsonObject } from '../../../src/json.ts';
import type { Aws } from '../../../src/transports/aws.ts';
import type { Host } from '../../../src/transports/host.ts';
import { expectStatedBefore } from '../stated-before.ts';

export interface World {
  readonly hosts?: Readonly<Record<string, Host>>;
  readonly aws?: Aws;
  readonly secrets?: readonly string[];
  readonly signal?: AbortSignal;
  readonly executionId?: string;
  /** Command documents beside the runbook, by name. */
  readonly documents?: Readonly<Record<string, string>>;
  /** The clock of a modelled world; left out: the real one. */
  readonly now?: () => number;
  readonly wait?: (ms: number) => Promise<void>;
}

export type Ending = Exclude<Poll<JsonObject>, { kind: 'pending' }>;
export interface Run {
  readonly inputs: JsonObject;
  readonly before: Json;
  readonly handle: Json;
  readonly token: string;
  readonly ending: Ending;
  /** Everything that the step's log received, by target. */
  readonly logged: string;
}

type AnyEffect = Effect<unknown, Json, Json, JsonObject>;

const noAws: Aws = {
  call: async () => {
    throw new Error('this test has no AWS');
  },
  identity: async () => {
    throw new Error('this test has no AWS');
  },
  assume: () => noAws,
};

let count = 0;
export const newToken = () => `t${process.pid}-${Date.now().toString(36)}-${(count += 1)}`;

export function contextOf(world: World, token: string, logged: string[] = []): ActionContext {
  return {
    executionId: world.executionId ?? '01TEST',
    step: 'Step',
    token,
    signal: world.signal ?? AbortSignal.timeout(120_000),
    aws: world.aws ?? noAws,
    fetch: globalThis.fetch,
    host: (name) => {
      const host = world.hosts?.[name];
      if (host === undefined) throw new ActionFailure({ code: 'UNKNOWN_HOST', message: `no host ${name}` });
      return host;
    },
    targets: (selectors) => selectors,
    commandDocument: async (name) => {
      const text = world.documents?.[name];
      return text === undefined ? undefined : { file: `${name}.json`, text };
    },
    log: () => ({ write: (_, chunk) => void logged.push(Buffer.from(chunk).toString('utf8')) }),
    notice: () => {},
    now: world.now ?? (() => Date.now()),
    startedAt: (world.now ?? Date.now)(),
    kept: newMemory(),
    held: newMemory(),
    isSecret: (value) => (world.secrets ?? []).some((secret) => JSON.stringify(value).includes(secret)),
  };
}

const throughJson = <T extends Json>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

export function effectOf(action: AnyAction, inputs: JsonObject): AnyEffect {
  return typeof action.effect === 'function' ? action.effect(inputs) : action.effect;
}

export function undoEffectOf(action: AnyAction, inputs: JsonObject): AnyEffect {
  const undo = typeof action.undo === 'function' ? action.undo(inputs) : action.undo;
  if (undo.kind !== 'restore' && undo.kind !== 'restorePoint') throw new Error(`undo is ${undo.kind}`);
  return undo.effect;
}

export async function observe(action: AnyAction, inputs: JsonObject, world: World): Promise<Json> {
  const before = action.observe
    ? throughJson(await action.observe(inputs, contextOf(world, newToken())))
    : null;
  expectStatedBefore(action, before);
  return before;
}

const realWait = (ms: number) => sleep(Math.min(ms, 300));

async function polled(
  again: () => Promise<Poll<JsonObject>>,
  wait: (ms: number) => Promise<void> = realWait,
): Promise<Ending> {
  for (;;) {
    const answer = await again();
    if (answer.kind !== 'pending') return answer;
    await wait(answer.afterMs);
  }
}

/** `lostReply`: the begin happened, but nobody heard; so the effect has to be adopted. */
export async function carryOut(
  effect: AnyEffect,
  inputs: unknown,
  before: Json,
  world: World,
  options: { readonly token?: string; readonly lostReply?: boolean } = {},
): Promise<{ ending: Ending; handle: Json; token: string; logged: string }> {
  const token = options.token ?? newToken();
  const logged: string[] = [];
  const context = contextOf(world, token, logged);
  const end = (ending: Ending, handle: Json) => ({ ending, handle, token, logged: logged.join('') });
  if (effect.kind === 'read') return end(await polled(() => effect.poll(inputs, context), world.wait), null);
  if (effect.kind === 'repeatable')
    return end(await polled(() => effect.execute(inputs, before, context), world.wait), null);
  let handle = throughJson(await effect.begin(inputs, before, context));
  if (options.lostReply === true) {
    const found = await effect.adopt(inputs, before, contextOf(world, token));
    if (found.kind === 'absent') throw new Error('it was begun, and adopt says absent');
    if (found.kind === 'unknown') throw new Error(`adopt does not know: ${found.why}`);
    if (found.kind !== 'running') return end(found, null);
    handle = throughJson(found.handle);
  }
  const ending = await polled(() => effect.poll(handle, inputs, before, context), world.wait);
  await effect.release?.(handle, inputs, context);
  return end(ending, handle);
}

export async function run(
  action: AnyAction,
  inputs: JsonObject,
  world: World,
  options: { readonly lostReply?: boolean } = {},
): Promise<Run> {
  const before = await observe(action, inputs, world);
  return { inputs, before, ...(await carryOut(effectOf(action, inputs), inputs, before, world, options)) };
}

/** Undoes a run, as a step that succeeded or failed. `knowing: 'nothing'`: neither handle nor outputs were journaled. */
export async function undo(
  action: AnyAction,
  done: Run,
  world: World,
  options: { readonly knowing?: 'everything' | 'nothing'; readonly lostReply?: boolean } = {},
): Promise<Ending> {
  const nothing = options.knowing === 'nothing';
  const outputs = 'outputs' in done.ending ? (done.ending.outputs ?? null) : null;
  const inputs = {
    inputs: done.inputs,
    before: done.before,
    outputs: nothing ? null : outputs,
    handle: nothing ? null : done.handle,
    token: done.token,
  };
  const { ending } = await carryOut(undoEffectOf(action, done.inputs), inputs, null, world, options);
  return ending;
}
