/** Carries out activities with actions and transports. One story per kind; retries and decisions are the engine's. */
import { ActionFailure, type ActionContext, type AnyAction } from '../actions/define-action.ts';
import type { ActivityCall, Outcome, OutcomeResult } from '../engine/index.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Aws, AwsModels } from '../transports/aws.ts';
import type { Host } from '../transports/host.ts';
import { adopt } from './activities/adopt.ts';
import { readCaptures } from './activities/capture.ts';
import { effectOf } from './activities/effect-of.ts';
import { checkedInputs } from './activities/inputs.ts';
import { asOutcome } from './activities/outcomes.ts';
import { wait } from './activities/wait.ts';
import type { ActivityHost, ActivityScope } from './embedded.ts';
import type { LockKeeper } from './locks/keeper.ts';
import type { LogFolder, LogSink } from './logs.ts';
import type { Vault } from './secrets/vault.ts';
import { hashToken } from './token.ts';

export interface ActivityPorts {
  readonly executionId: string;
  readonly actions: ReadonlyMap<string, AnyAction>;
  readonly aws: Aws;
  readonly models: AwsModels;
  readonly fetch: typeof globalThis.fetch;
  /** Throws ActionFailure UNKNOWN_HOST. */
  readonly host: (name: string) => Host;
  /** Throws ActionFailure UNKNOWN_TARGET. */
  readonly targets: (selectors: readonly string[]) => readonly string[];
  readonly locks: LockKeeper;
  readonly vault: Vault;
  readonly logs: LogFolder;
  /** What a step waits for, for the live view. */
  readonly onNotice: (step: string, text: string) => void;
  readonly now: () => number;
}

/** How long the clean-up after an effect may take, in ms. */
const releaseTimeoutMs = 15_000;
/** The longest that a timer of Node can run. */
const timerMsMax = 2 ** 31 - 1;

export class ActionHost implements ActivityHost {
  readonly #ports: ActivityPorts;

  constructor(ports: ActivityPorts) {
    this.#ports = ports;
  }

  async run(call: ActivityCall, scope: ActivityScope): Promise<OutcomeResult> {
    const { vault, now } = this.#ports;
    using ends = endsAt(scope, now());
    const opened = new Map<string, LogSink>();
    const context = this.#context(call, call.kind === 'wait' ? scope.cancel : ends.signal, opened);
    try {
      const result = await this.#carryOut(call, scope, context);
      for (const sink of opened.values()) await sink.close();
      return vault.conceal(result);
    } catch (error) {
      for (const sink of opened.values()) await sink.close().catch(() => undefined);
      const isBegin = call.kind === 'begin';
      if (!isBegin && scope.cancel.aborted) return { status: 'cancelled' };
      if (!isBegin && now() >= scope.deadlineAt) return { status: 'timeout' };
      return vault.conceal(asOutcome(error));
    }
  }

  async settled(call: ActivityCall, outcome: Outcome): Promise<void> {
    if (call.kind !== 'wait' || (outcome.status !== 'ok' && outcome.status !== 'failed')) return;
    try {
      const action = this.#action(call);
      const inputs = checkedInputs(action, call.input.inputs, this.#ports.vault);
      const { effect, inputs: bound } = effectOf(action, inputs, call.input);
      if (effect.kind !== 'begun' || effect.release === undefined) return;
      if (outcome.status === 'failed' && outcome.effect === 'unknown') return;
      const context = this.#context(call, AbortSignal.timeout(releaseTimeoutMs), new Map());
      await effect.release(call.input.handle ?? null, bound, context);
    } catch {
      // What stays behind is small, is found by its token, and `belay doctor` names it.
    }
  }

  async #carryOut(call: ActivityCall, scope: ActivityScope, context: ActionContext): Promise<OutcomeResult> {
    const { input } = call;
    if (call.kind === 'identity') {
      const { account, arn, region, partition } = await context.aws.identity(context.signal);
      return ok({ account, arn, region, partition });
    }
    const { locks } = this.#ports;
    if (call.kind === 'lock') return ok(await locks.take(lockNames(input.inputs), context.signal));
    if (call.kind === 'unlock') return ok(await locks.release(context.signal));
    const action = this.#action(call);
    const inputs = checkedInputs(action, input.inputs, this.#ports.vault);
    const bound = (): ReturnType<typeof effectOf> => effectOf(action, inputs, input);
    switch (call.kind) {
      case 'prepare': {
        const observed = (await action.observe?.(inputs, context)) ?? null;
        const captures =
          input.captures === undefined ? {} : await readCaptures(input.captures, action, inputs, context);
        return ok({ observed, captures });
      }
      case 'observe':
        return ok((await action.observe?.(inputs, context)) ?? null);
      case 'begin': {
        const { effect, inputs: own, before } = bound();
        return ok(effect.kind === 'begun' ? await effect.begin(own, before, context) : null);
      }
      case 'adopt':
        return adopt(action, bound(), inputs, input, context);
      case 'wait':
      case 'notify':
        return wait({
          action,
          bound: bound(),
          inputs,
          call: input,
          context,
          cancel: scope.cancel,
          deadlineAt: scope.deadlineAt,
        });
      case 'stop': {
        const { effect, inputs: own } = bound();
        if (effect.kind !== 'begun') return ok('stopped');
        if (effect.stop === undefined) return notStoppable(action);
        await effect.stop(input.handle ?? null, own, context);
        return ok('stopped');
      }
      default:
        return call.kind satisfies never;
    }
  }

  #action(call: ActivityCall): AnyAction {
    const action = this.#ports.actions.get(call.input.action);
    if (action !== undefined) return action;
    throw new ActionFailure({
      code: 'UNKNOWN_ACTION',
      message: `this Belay has no action ${call.input.action}; the execution was started by another version`,
    });
  }

  #context(call: ActivityCall, signal: AbortSignal, opened: Map<string, LogSink>): ActionContext {
    const { executionId, aws, models, fetch, host, targets, vault, logs, onNotice, now } = this.#ports;
    const { step, assumeRole } = call.input;
    return {
      executionId,
      step,
      token: hashToken(call.token),
      signal,
      aws: assumeRole === undefined ? aws : aws.assume(assumeRole),
      models,
      fetch,
      host,
      targets,
      log: (target) => {
        const sink = opened.get(target) ?? logs.open(step, target, attemptOf(call.id));
        opened.set(target, sink);
        return sink;
      },
      notice: (text) => onNotice(step, vault.redactor.text(text)),
      now,
      isSecret: (value) => vault.isSecret(value),
    };
  }
}

/** A signal for the end of the time or the cancel, whichever comes first. Its timer goes with it: there are many activities. */
function endsAt(
  { cancel, deadlineAt }: ActivityScope,
  now: number,
): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const timer = setTimeout(abort, Math.max(1, Math.min(deadlineAt - now, timerMsMax)));
  cancel.addEventListener('abort', abort, { once: true });
  if (cancel.aborted) abort();
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      cancel.removeEventListener('abort', abort);
    },
  };
}

function lockNames({ Locks }: JsonObject): string[] {
  return Array.isArray(Locks) ? Locks.filter((name) => typeof name === 'string') : [];
}

/** `Patch#2:wait` is of the second attempt. */
function attemptOf(id: string): number {
  return Number(/#(\d+):/.exec(id)?.[1] ?? 1);
}

function ok(value: Json): OutcomeResult {
  return { status: 'ok', value };
}

function notStoppable(action: AnyAction): OutcomeResult {
  return {
    status: 'failed',
    code: 'NOT_STOPPABLE',
    message: `${action.name} cannot be stopped`,
    retryable: false,
    effect: 'known',
  };
}
