/** One action in the world of a test: the real activity host, and the engine's one try of an effect over a runtime in memory. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describeAction } from '../../src/actions/index.ts';
import type { AnyAction } from '../../src/actions/define-action.ts';
import { Execution } from '../../src/engine/execution.ts';
import { Frame } from '../../src/engine/frame.ts';
import type { ActivityCallOf, ActivityKind, InputOf, OutcomeResult, Work } from '../../src/engine/index.ts';
import { runList } from '../../src/engine/run-list.ts';
import { runEffect } from '../../src/engine/steps/effect.ts';
import type { Json, JsonObject } from '../../src/json.ts';
import { ActionHost } from '../../src/runtime/activity-host.ts';
import { LogFolder } from '../../src/runtime/logs.ts';
import { offlineModels } from '../../src/runtime/offline-models.ts';
import { newPlaceholder } from '../../src/runtime/secrets/placeholder.ts';
import { Vault } from '../../src/runtime/secrets/vault.ts';
import type { DeclaredOutput } from '../../src/document/types.ts';
import { MemoryRuntime, MemoryStore } from './memory-runtime.ts';
import { runbook, step } from './run-toy.ts';
import { endingOf, type Ending } from './action-endings.ts';
import { hidden, hostOf, missing, noAws, type World } from './action-world.ts';

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

/** In the real world no test lasts longer; in a modelled one time passes by itself, in ms. */
const realTimeoutMs = 120_000;
const modelledTimeoutMs = 3_600_000;
/** Real polls are not as patient as actions ask for, in ms. */
const realPauseMsMax = 300;

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

let count = 0;
let folder: string | undefined;
function logsOfProcess(): string {
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'belay-bed-'));
    process.on('exit', () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  return folder;
}
