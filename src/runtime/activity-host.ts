/** Carries out activities: what they see of the world, their time, their logs, and what of their answers may be told. */
import { newMemory, type ActionContext, type AnyAction } from '../actions/define-action.ts';
import type { ActivityCallOf, ActivityKind, Outcome, OutcomeResult } from '../engine/index.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import type { Aws, AwsModels } from '../transports/aws.ts';
import type { Host } from '../transports/host.ts';
import type { ScriptPlace } from '../transports/scripts.ts';
import type { ApprovalJudge } from './approvals/approval-judge.ts';
import { carryOut, release } from './activities/carry-out.ts';
import { asOutcome, failedOutcome } from './activities/outcomes.ts';
import type { Pause } from './activities/pause.ts';
import type { ChildRunbooks } from './child-runbooks.ts';
import { awsOf, instanceThere, noHostsThere } from './location.ts';
import type { KnownMachines } from './known-machines.ts';
import type { LockKeeper } from './locks/keeper.ts';
import type { LogFolder, LogSink } from './logs.ts';
import type { ProgramFiles } from './program-files.ts';
import type { StepMachines } from './step-machines.ts';
import { quietAws } from './secrets/quiet-aws.ts';
import type { Vault } from './secrets/vault.ts';
import { whyChanged, whyGiven, withheldResult, withheldSink } from './secrets/withheld.ts';
import { hashToken } from './token.ts';

/**
 * Carries out one activity; retries and decisions are the engine's. Outcomes are values: what it throws ends the runner and
 * leaves the execution resumable.
 */
export interface ActivityHost {
  run<K extends ActivityKind>(call: ActivityCallOf<K>, scope: ActivityScope): Promise<OutcomeResult<K>>;
  /** After the outcome is journaled: what the effect left behind to be found by may go. Never throws. */
  settled(call: AnyCall, outcome: Outcome): Promise<void>;
}

export interface ActivityScope {
  /** Aborted by a cancel. */
  readonly cancel: AbortSignal;
  /** When the call was made, in ms since 1970; of what is waited for, when it was first made, by whichever runner. */
  readonly startedAt: number;
  /** Milliseconds since 1970. */
  readonly deadlineAt: number;
  /** An earlier runner may have begun the effect, with the secrets that it had. */
  readonly isEarlier?: boolean;
}

type OnceOnEach = Pick<StepMachines, 'acting'>;

/** A call whose kind is not known yet. */
export type AnyCall = ActivityCallOf<ActivityKind>;

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
  readonly scripts: ScriptPlace;
  readonly files: ProgramFiles;
  readonly locks: LockKeeper;
  readonly approvals: ApprovalJudge;
  readonly machines: Pick<KnownMachines, 'mayBecomeOthers'> & { readonly ofSteps: OnceOnEach };
  readonly vault: Vault;
  /** Runbooks that steps start. */
  readonly runbooks: ChildRunbooks;
  /** Whether people are told of what the journal holds, by the outbox. */
  readonly hasOutbox?: boolean;
  readonly logs: LogFolder;
  /** Called with every host on which an effect acts, and waited for, before it does. */
  readonly actsOn: (host: string) => Promise<void>;
  /** What a step waits for, for the live view. */
  readonly onNotice: (step: string, text: string) => void;
  readonly now: () => number;
  /** How time passes while something is waited for; left out: by itself. */
  readonly pause?: Pause;
}

/** How long the clean-up after an effect may take, in ms. */
const releaseTimeoutMs = 15_000;
/** How long the last look at what is waited for may take once its time is over, in ms. */
const lastLookMs = 5_000;
/** The longest that a timer of Node can run. */
const timerMsMax = 2 ** 31 - 1;

export class ActionHost implements ActivityHost {
  readonly #ports: ActivityPorts;
  /** What effects remember, by the call: from the first look until what they left behind is cleared away. */
  readonly #kept = new WeakMap<AnyCall, ActionContext['kept']>();
  /** What effects hold open, by their tokens: until they have ended. */
  readonly #held = new Map<string, ActionContext['held']>();

  constructor(ports: ActivityPorts) {
    this.#ports = ports;
  }

  async run<K extends ActivityKind>(
    call: ActivityCallOf<K>,
    scope: ActivityScope,
  ): Promise<OutcomeResult<K>> {
    const { vault, now } = this.#ports;
    // An effect that is waited for is asked until its time is over, and once more then; no host makes that look longer.
    const graceMs = call.kind === 'wait' ? lastLookMs : 0;
    using ends = endsAt({ ...scope, deadlineAt: scope.deadlineAt + graceMs }, now());
    const opened = new Map<string, LogSink>();
    const changed = scope.isEarlier === true ? vault.changedSecret(inputsOf(call)) : undefined;
    const context = this.#context(call, { ...scope, signal: ends.signal, opened, changed });
    try {
      const result = await carryOut(call, { ...this.#ports, ...scope, context });
      for (const sink of opened.values()) await sink.close();
      return vault.admitted(changed === undefined ? result : withheldResult(call.kind, result, changed));
    } catch (error) {
      for (const sink of opened.values()) await sink.close().catch(() => undefined);
      const isBegin = call.kind === 'begin';
      if (!isBegin && scope.cancel.aborted) return { status: 'cancelled' };
      if (!isBegin && now() >= scope.deadlineAt) {
        const seen = changed === undefined ? failedOutcome(error)?.message : undefined;
        const timeout: OutcomeResult<K> = { status: 'timeout', ...(seen === undefined ? {} : { seen }) };
        return vault.admitted(timeout);
      }
      const outcome = asOutcome(error);
      return vault.admitted(changed === undefined ? outcome : withheldResult(call.kind, outcome, changed));
    }
  }

  async settled(call: AnyCall, outcome: Outcome): Promise<void> {
    if (!hasEnded(call, outcome)) return;
    try {
      const cancel = AbortSignal.timeout(releaseTimeoutMs);
      const { startedAt } = outcome;
      const context = this.#context(call, {
        signal: cancel,
        startedAt,
        deadlineAt: Infinity,
        opened: new Map(),
      });
      await release(call, { ...this.#ports, context, cancel, deadlineAt: Infinity });
    } catch {
      // What stays behind is small, is found by its token, and `belay doctor` names it.
    } finally {
      this.#held.delete(call.token);
    }
  }

  #keptOf(call: AnyCall): ActionContext['kept'] {
    const kept = this.#kept.get(call) ?? newMemory();
    this.#kept.set(call, kept);
    return kept;
  }

  #heldOf({ token }: AnyCall): ActionContext['held'] {
    const held = this.#held.get(token) ?? newMemory();
    this.#held.set(token, held);
    return held;
  }

  #host({ kind, input }: AnyCall, name: string, deadlineAt: number): Host {
    const host = waitsUntil(deadlineAt, this.#ports.host(name), this.#ports.now);
    if (kind !== 'begin' && kind !== 'wait') return host;
    const noted = actedOn(host, this.#ports.actsOn);
    const step = kind === 'begin' && 'oneOf' in input ? input.oneOf : undefined;
    return step === undefined ? noted : onceOn(noted, step, this.#ports.machines.ofSteps);
  }

  #context(
    call: AnyCall,
    {
      signal,
      startedAt,
      deadlineAt,
      opened,
      changed,
    }: Pick<ActionContext, 'signal' | 'startedAt'> & {
      readonly deadlineAt: number;
      readonly opened: Map<string, LogSink>;
      readonly changed?: string | undefined;
    },
  ): ActionContext {
    const { executionId, aws, models, fetch, targets, scripts, files, vault, logs, onNotice, now } =
      this.#ports;
    const { step, location } = call;
    const given = inputsOf(call);
    const hidesOutput = !asksForOutput(given) && vault.holdsSecret(given);
    const own = awsOf(call, aws);
    return {
      executionId,
      step,
      token: hashToken(call.token),
      signal,
      aws: hidesOutput ? quietAws(own) : own,
      models,
      fetch,
      host: (name) =>
        location === undefined
          ? this.#host(call, name, deadlineAt)
          : instanceThere(this.#ports.host(name), location),
      targets: location === undefined ? targets : () => noHostsThere(location),
      scripts: placeUntil(deadlineAt, scripts, now),
      attachment: (name) => files.attachment(name, own),
      commandDocument: (name) => files.commandDocument(name),
      lineOf: (program, line) => files.lineOf(program, line),
      log: (target) => {
        const sink = opened.get(target) ?? logs.open(step, target, attemptOf(call.id));
        opened.set(target, sink);
        if (changed !== undefined) return withheldSink(sink, whyChanged(changed));
        return hidesOutput ? withheldSink(sink, whyGiven) : sink;
      },
      notice: (text) => onNotice(step, vault.masked(text)),
      now,
      startedAt,
      kept: this.#keptOf(call),
      held: (name, make) => this.#heldOf(call)(name, make),
      isSecret: vault.reveal(inputsOf(call)).isSecret,
      hidesOutput,
      isRead: (output) => files.isRead(step, output),
      isUsed: (output) => files.isUsed(step, output),
    };
  }
}

/** Whoever waits on the host for a command's end waits no longer than the step may take. */
function waitsUntil(deadlineAt: number, host: Host, now: () => number): Host {
  return {
    ...host,
    poll: (token, options) =>
      host.poll(token, {
        ...options,
        waitMs: Math.min(options.waitMs, Math.max(0, deadlineAt - now())),
      }),
  };
}

/** Asked for when it is used: many a context has no need of it. */
function placeUntil(deadlineAt: number, place: ScriptPlace, now: () => number): ScriptPlace {
  return {
    command: (run) => place.command(run),
    get host() {
      return waitsUntil(deadlineAt, place.host, now);
    },
    get tools() {
      return place.tools;
    },
    get mayReachNetwork() {
      return place.mayReachNetwork;
    },
  };
}

/** The host is written down before anything is asked of it that may leave something there. */
function actedOn(host: Host, actsOn: (name: string) => Promise<void>): Host {
  return {
    ...host,
    read: async (script, options) => {
      await actsOn(host.name);
      return host.read(script, options);
    },
    start: async (token, script, options) => {
      await actsOn(host.name);
      return host.start(token, script, options);
    },
    dial: async (to, options) => {
      await actsOn(host.name);
      return host.dial(to, options);
    },
  };
}

/** Under one name alone: see StepMachines. */
function onceOn(host: Host, step: string, machines: OnceOnEach): Host {
  return {
    ...host,
    start: (token, script, options) => machines.acting(step, host, () => host.start(token, script, options)),
  };
}

function inputsOf({ input }: AnyCall): JsonObject {
  return 'inputs' in input ? input.inputs : {};
}

/** Of a step, or of the step that is undone. */
function asksForOutput({ ShowOutput, inputs }: JsonObject): boolean {
  return ShowOutput === true || (isJsonObject(inputs) && inputs['ShowOutput'] === true);
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

/** Whether the effect is known to have ended: by itself, or because it was stopped. */
function hasEnded(call: AnyCall, outcome: Outcome): call is ActivityCallOf<'wait'> | ActivityCallOf<'stop'> {
  if (call.kind === 'stop') return outcome.status === 'ok';
  if (call.kind !== 'wait') return false;
  return outcome.status === 'ok' || (outcome.status === 'failed' && outcome.effect !== 'unknown');
}

/** `Patch#2:wait` is of the second attempt. */
function attemptOf(id: string): number {
  return Number(/#(\d+):/.exec(id)?.[1] ?? 1);
}
