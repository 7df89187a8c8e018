/**
 * Carries out one action as an execution would: the engine's one try of an effect (begin, adopt, wait, stop) over the
 * Runtime host in memory, and every activity by the real activity host, in the world that a test gives.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describeAction } from '../../src/actions/index.ts';
import { ActionFailure, type AnyAction } from '../../src/actions/define-action.ts';
import { Execution } from '../../src/engine/execution.ts';
import { Frame } from '../../src/engine/frame.ts';
import type {
  ActivityCallOf,
  AnswerOf,
  ActivityKind,
  InputOf,
  OutcomeResult,
  Work,
} from '../../src/engine/index.ts';
import { runList } from '../../src/engine/run-list.ts';
import { runEffect, type EffectEnding } from '../../src/engine/steps/effect.ts';
import type { EffectResult } from '../../src/engine/types.ts';
import { isJsonObject, type Json, type JsonObject } from '../../src/json.ts';
import { ActionHost } from '../../src/runtime/activity-host.ts';
import { LogFolder } from '../../src/runtime/logs.ts';
import { offlineModels } from '../../src/runtime/offline-models.ts';
import { newPlaceholder } from '../../src/runtime/secrets/placeholder.ts';
import { Vault } from '../../src/runtime/secrets/vault.ts';
import type { DeclaredOutput } from '../../src/document/types.ts';
import type { Aws } from '../../src/transports/aws.ts';
import type { Host } from '../../src/transports/host.ts';
import type { ScriptPlace } from '../../src/transports/scripts.ts';
import { expectStatedBefore } from '../actions/stated-before.ts';
import { MemoryRuntime, MemoryStore } from './memory-runtime.ts';
import { runbook, step } from './run-toy.ts';

export interface World {
  readonly hosts?: Readonly<Record<string, Host>>;
  /** In the place of `hosts`. Throws ActionFailure. */
  readonly host?: (name: string) => Host;
  readonly aws?: Aws;
  readonly fetch?: typeof globalThis.fetch;
  readonly targets?: (selectors: readonly string[]) => readonly string[];
  readonly scripts?: ScriptPlace;
  /** Values of secret parameters: where one stands in an input, the engine is given a placeholder. */
  readonly secrets?: readonly string[];
  readonly executionId?: string;
  /** Command documents beside the runbook, by name. */
  readonly documents?: Readonly<Record<string, string>>;
  /** The clock of a modelled world; left out: the real one. */
  readonly now?: () => number;
  /** Told of what a step waits for. */
  readonly onNotice?: (text: string) => void;
  /** How time passes there while something is waited for. */
  readonly wait?: (ms: number) => Promise<void>;
  /** For an effect; left out: an hour of a modelled world, two minutes of the real one. */
  readonly timeoutMs?: number;
}

type Told = Partial<Omit<EffectResult, 'outputs'>>;

export type Ending =
  | ({ readonly kind: 'done'; readonly outputs: JsonObject } & Told)
  /** It ran and said no, or its time was over. */
  | ({
      readonly kind: 'failed';
      readonly code: string;
      readonly message: string;
      readonly retryable?: boolean;
      readonly outputs?: JsonObject;
    } & Told)
  /** Adoption cannot find out; a person would be asked. */
  | {
      readonly kind: 'unknown';
      readonly why: string;
      readonly outputs?: never;
      readonly changes?: never;
      readonly restorePoints?: never;
      readonly note?: never;
    };

export interface Run {
  readonly inputs: JsonObject;
  readonly before: Json;
  readonly handle: Json;
  /** The engine's; the world got its hash. */
  readonly token: string;
  readonly ending: Ending;
  /** Everything that the step's log received. */
  readonly logged: string;
}

export interface RunOptions {
  /** The engine's; the world gets its hash. */
  readonly token?: string;
  /** The begin happened, but nobody heard; so the effect has to be adopted. */
  readonly lostReply?: boolean;
  /** Of the step. */
  readonly outputs?: readonly DeclaredOutput[];
}

/** Nothing is known to have been done to its end: what an action or a transport threw, as the activity host tells it. */
export class NotDone extends Error {
  override readonly name = 'NotDone';
  readonly code: string;
  readonly retryable: boolean;
  readonly effect: 'none' | 'unknown' | 'known';

  constructor(failed: {
    readonly code: string;
    readonly message: string;
    readonly retryable: boolean;
    readonly effect: 'none' | 'unknown' | 'known';
  }) {
    super(failed.message);
    this.code = failed.code;
    this.retryable = failed.retryable;
    this.effect = failed.effect;
  }
}

/** In the real world no test lasts longer; in a modelled one time passes by itself, in ms. */
const realTimeoutMs = 120_000;
const modelledTimeoutMs = 3_600_000;
/** Real polls are not as patient as actions ask for, in ms. */
const realPauseMsMax = 300;

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

const stepName = 'Step';

/** One action in a world. */
export class Bed {
  readonly #action: AnyAction;
  readonly #inputs: JsonObject;
  readonly #world: World;
  readonly #host: ActionHost;
  readonly #logs: string;
  readonly #now: () => number;

  constructor(action: AnyAction, inputs: JsonObject, world: World) {
    this.#action = action;
    this.#world = world;
    this.#now = world.now ?? Date.now;
    this.#logs = join(logsOfProcess(), `${(count += 1)}`);
    const secrets = (world.secrets ?? []).map((value, index) => ({
      name: `Secret${index}`,
      value,
      placeholder: newPlaceholder(`Secret${index}`),
    }));
    this.#inputs = hidden(inputs, secrets);
    const vault = new Vault(secrets);
    this.#host = new ActionHost({
      executionId: world.executionId ?? '01TEST',
      actions: new Map([[action.name, action]]),
      aws: world.aws ?? noAws,
      models,
      fetch: world.fetch ?? globalThis.fetch,
      host: world.host ?? ((name) => hostOf(world, name)),
      targets: world.targets ?? ((selectors) => selectors),
      scripts: world.scripts ?? missing('scripts'),
      files: {
        attachment: () => Promise.reject(new Error('this test has no attachments')),
        commandDocument: async (name) => {
          const text = world.documents?.[name];
          return text === undefined ? undefined : { file: `${name}.json`, text };
        },
        lineOf: () => undefined,
        isRead: () => true,
        isUsed: () => true,
      },
      locks: missing('locks'),
      approvals: missing('approvals'),
      machines: {
        mayBecomeOthers: () => Promise.resolve(),
        ofSteps: { acting: (_step, _host, act) => act() },
      },
      vault,
      runbooks: missing('other runbooks'),
      logs: new LogFolder(this.#logs, vault.redactor),
      actsOn: () => Promise.resolve(),
      onNotice: (_, text) => world.onNotice?.(text),
      now: this.#now,
      pause: (ms, signal) => this.#pause(ms, signal),
    });
  }

  work(before: Json): Work {
    return { action: this.#action.name, inputs: this.#inputs, before };
  }

  /** One activity by itself. */
  ask<K extends ActivityKind>(kind: K, input: InputOf[K], token: string): Promise<OutcomeResult<K>> {
    const call = {
      id: `${stepName}#1:${kind}`,
      kind,
      input,
      step: stepName,
      token,
      timeoutMs: this.#timeoutMs,
      onLost: 'rerun',
      ignoreCancel: false,
    } as const;
    return this.#carriedOut(call, new AbortController().signal);
  }

  /** One try of the effect that is meant, by the engine. */
  async carryOut(
    work: Work,
    isBegun: boolean,
    token: string,
    { lostReply = false }: RunOptions,
  ): Promise<{ readonly ending: Ending; readonly handle: Json; readonly logged: string }> {
    const store = new MemoryStore();
    let begins = 0;
    const runtime = new MemoryRuntime(
      {
        run: async (call, cancel) => {
          const result = await this.#carriedOut(call, cancel);
          if (call.kind !== 'begin') return result;
          begins += 1;
          if (!lostReply || result.status !== 'ok') return result;
          if (begins > 1) throw new Error('it was begun, and adopt says absent');
          return { ...noReply, effect: 'unknown' };
        },
        settled: (call, outcome) => this.#host.settled(call, outcome),
        now: this.#now,
        pause: (ms) => this.#pause(ms),
      },
      store,
    );
    // Nobody is there to be asked.
    store.signal(`continue:${stepName}`, 'unknown', 'bed', this.#now());
    const timeoutMs = this.#timeoutMs;
    const call = {
      id: `${stepName}#1`,
      step: stepName,
      work,
      isBegun,
      mayBeUnderWay: false,
      token,
      timeoutMs,
    };
    const ended = await runEffect(this.#frame(runtime), call);
    return { ending: endingOf(ended), handle: ended.handle, logged: this.#logged() };
  }

  #carriedOut<K extends ActivityKind>(
    call: ActivityCallOf<K>,
    cancel: AbortSignal,
  ): Promise<OutcomeResult<K>> {
    const startedAt = this.#now();
    return this.#host.run(call, { cancel, startedAt, deadlineAt: startedAt + call.timeoutMs });
  }

  #frame(runtime: MemoryRuntime): Frame {
    const written = step({ name: stepName, action: this.#action.name, inputs: this.#inputs });
    const descriptors = { [stepName]: describeAction(this.#action, this.#inputs) };
    const program = { interpreter: 3, document: runbook([written]), descriptors } as const;
    const input = { parameters: {}, rollbackWhen: 'never', rollbackRequests: [], failAt: null } as const;
    const execution = new Execution(runtime.executionId, program, input);
    return new Frame({
      execution,
      runtime,
      runList,
      scope: execution.scope,
      idPrefix: '',
      ignoreCancel: false,
      deadline: null,
      rollback: null,
    });
  }

  get #timeoutMs(): number {
    const { now, timeoutMs = now === undefined ? realTimeoutMs : modelledTimeoutMs } = this.#world;
    return timeoutMs;
  }

  async #pause(ms: number, signal?: AbortSignal): Promise<void> {
    const { wait } = this.#world;
    if (wait !== undefined) return wait(ms);
    const bounded = Math.min(ms, realPauseMsMax);
    await delay(bounded, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }

  #logged(): string {
    try {
      return readdirSync(this.#logs)
        .map((name) => readFileSync(join(this.#logs, name), 'utf8'))
        .join('');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
      throw error;
    }
  }
}

const noReply = {
  status: 'failed',
  code: 'NO_REPLY',
  message: 'the reply was lost',
  retryable: true,
} as const;

const models = offlineModels();

function valueOf<K extends ActivityKind>(outcome: OutcomeResult<K>): AnswerOf[K] {
  if (outcome.status === 'ok') return outcome.value;
  if (outcome.status === 'failed') throw new NotDone(outcome);
  throw new NotDone({ ...notEnded, message: `it ended ${outcome.status}` });
}

const notEnded = { code: 'NOT_ENDED', retryable: false, effect: 'unknown' } as const;

/** Throws NotDone. */
function endingOf(ended: EffectEnding): Ending {
  switch (ended.status) {
    case 'Success':
      return { kind: 'done', ...ended.result };
    case 'TimedOut':
      return { kind: 'failed', ...ended.failure };
    case 'Cancelled':
      throw new NotDone({ ...notEnded, message: 'it was cancelled' });
    case 'Failed': {
      const { failure, effect, result } = ended;
      if (failure.code === 'OUTCOME_UNKNOWN') return { kind: 'unknown', why: failure.message };
      if (effect !== 'known') throw new NotDone({ ...failure, effect });
      return { kind: 'failed', ...failure, ...result };
    }
    default:
      return ended satisfies never;
  }
}

/** Secrets of the test, in the place of which the engine is given placeholders. */
function hidden<T extends Json>(
  value: T,
  secrets: readonly { readonly value: string; readonly placeholder: string }[],
): T;
function hidden(
  value: Json,
  secrets: readonly { readonly value: string; readonly placeholder: string }[],
): Json {
  if (typeof value === 'string')
    return secrets.reduce((text, secret) => text.replaceAll(secret.value, () => secret.placeholder), value);
  if (Array.isArray(value)) return value.map((item: Json) => hidden(item, secrets));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, hidden(member, secrets)]));
}

export const noAws: Aws = {
  call: async () => {
    throw new Error('this test has no AWS');
  },
  identity: async () => {
    throw new Error('this test has no AWS');
  },
  assume: () => noAws,
};

function hostOf({ hosts }: World, name: string): Host {
  const host = hosts?.[name];
  if (host === undefined) throw new ActionFailure({ code: 'UNKNOWN_HOST', message: `no host ${name}` });
  return host;
}

/** A port that no action may need here. */
function missing(what: string): never {
  const port: object = new Proxy(
    {},
    {
      get: () => {
        throw new Error(`this test has no ${what}`);
      },
    },
  );
  return port as never;
}

let folder: string | undefined;
function logsOfProcess(): string {
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'belay-bed-'));
    process.on('exit', () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  return folder;
}
