/**
 * The ports that the engine needs. The interpreter is deterministic over `Runtime`: given the same program, the same
 * input and the same outcomes, it makes the same calls with the same ids in the same order. A host may therefore run it
 * again from the start after a crash and answer every call that it has on record.
 *
 * Rules that hold on every host (docs/ARCHITECTURE.md, "The Runtime port"):
 * - outcomes are data; only the host's own troubles are thrown, and the interpreter never catches those;
 * - one call at a time, or several with ids of their own, all of which are waited for: nothing free-running inside an
 *   execution;
 * - the host never retries an activity, the interpreter does;
 * - values are JSON and small: larger ones belong into logs.
 */
import type { Json, JsonObject } from '../json.ts';
import type { EngineEvent } from './events.ts';

export type Failure = {
  /** Upper case: VERSION_MISMATCH, or a service's own code: InvalidVolume.NotFound. */
  readonly code: string;
  /** A sentence with the values in it. */
  readonly message: string;
  readonly retryable: boolean;
};

export type Outcome = {
  readonly startedAt: number;
  readonly endedAt: number;
  /** How long nobody ran the execution before this outcome, as far as the record tells: that time is on no budget. */
  readonly absentMs?: number;
} & OutcomeResult;

export type OutcomeResult =
  | { readonly status: 'ok'; readonly value: Json }
  | ({
      readonly status: 'failed';
      /** `none`: nothing changed. `unknown`: it may have, and nobody knows. `known`: it ran to its end and said no. */
      readonly effect: 'none' | 'unknown' | 'known';
      /** What the effect gave before it failed: outputs, changes. */
      readonly value?: Json;
    } & Failure)
  | { readonly status: 'timeout'; readonly value?: Json }
  /** The cancel flag was set before the activity began, or stopped it. */
  | { readonly status: 'cancelled' }
  /** An earlier delivery of this activity began and left no outcome: its runner died. */
  | { readonly status: 'lost' };

export type ActivityKind =
  | 'identity'
  | 'prepare'
  | 'observe'
  | 'begin'
  | 'adopt'
  | 'wait'
  | 'stop'
  | 'notify'
  /** Takes all locks that `inputs.Locks` names, or none. */
  | 'lock'
  /** Gives back all that the execution holds. */
  | 'unlock';

export interface ActivityCall {
  /** Stable path, unique in the execution: `Patch#1:begin`, `rollback1/Patch:wait`. */
  readonly id: string;
  readonly kind: ActivityKind;
  readonly input: ActivityInput;
  /** The same for every attempt and resume until an attempt is known to have ended. Hosts may shorten it by hashing. */
  readonly token: string;
  /** Counted from the first time that the activity began, across resumes. */
  readonly timeoutMs: number;
  /** `rerun`: doing it again is harmless. `report`: the host answers `lost` instead of doing it again. */
  readonly onLost: 'rerun' | 'report';
  /** Runs although the execution was cancelled: rollback, onCancel, confirming a stop. */
  readonly ignoreCancel: boolean;
}

/** What an activity works on. Only what its kind needs is set. */
export interface ActivityInput {
  readonly action: string;
  readonly inputs: JsonObject;
  /** The step's path, for logs: `Patch`, `SnapshotData/undo/Restore`. */
  readonly step: string;
  /** Set for the action's own undo instead of its effect. */
  readonly undo?: { readonly outputs: JsonObject | null; readonly handle: Json; readonly token: string };
  readonly before: Json;
  readonly handle?: Json;
  readonly captures?: JsonObject;
  readonly declaredOutputs?: readonly {
    readonly Name: string;
    readonly Selector: string;
    readonly Type: string;
  }[];
  readonly assumeRole?: string;
}

export type SignalResult =
  | { readonly status: 'signal'; readonly value: Json; readonly at: number }
  | { readonly status: 'timeout'; readonly at: number }
  | { readonly status: 'cancelled'; readonly at: number };

export interface Runtime {
  readonly executionId: string;
  activity(call: ActivityCall): Promise<Outcome>;
  /** Until `ms` after the first call with this id, across resumes. */
  sleep(
    id: string,
    ms: number,
    options: { readonly ignoreCancel: boolean },
  ): Promise<'elapsed' | 'cancelled'>;
  /**
   * Takes the next entry of the execution's inbox under `name`, waiting for it up to `timeoutMs` after the first call
   * with this id. Entries wait while no runner is alive.
   */
  waitForSignal(
    id: string,
    name: string,
    timeoutMs: number,
    options: { readonly ignoreCancel: boolean },
  ): Promise<SignalResult>;
  /** Milliseconds since 1970, journaled under the id. */
  now(id: string): Promise<number>;
  /**
   * Appends to the execution's events, idempotent by `seq`, which counts from 1 without gaps.
   * The host stamps the time of the first append.
   */
  emit(seq: number, event: EngineEvent): Promise<void>;
}
