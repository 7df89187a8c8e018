/**
 * The ports that the engine needs. The interpreter is deterministic over `Runtime`: given the same program, the same
 * input and the same outcomes, it makes the same calls with the same ids in the same order. A host may therefore run it
 * again from the start after a crash and answer every call that it has on record.
 *
 * Rules that hold on every host (docs/ARCHITECTURE.md, "The Runtime port"):
 * - outcomes are data; only the host's own troubles are thrown, and the interpreter never catches those;
 * - one call at a time, or several with ids of their own, of which `first` says in which order they are answered: nothing
 *   free-running inside an execution;
 * - the host never retries an activity, the interpreter does;
 * - values are JSON and small: larger ones belong into logs.
 */
import type { Json } from '../json.ts';
import type { ActivityCallOf, ActivityKind, Outcome } from './activities.ts';
import type { ChildCall, ChildOutcome, ChildRollbackCall } from './children.ts';
import type { EngineEvent } from './events.ts';

export type SignalResult =
  | { readonly status: 'signal'; readonly value: Json; readonly at: number }
  | { readonly status: 'timeout'; readonly at: number }
  | { readonly status: 'cancelled'; readonly at: number };

export interface Runtime {
  readonly executionId: string;
  activity<K extends ActivityKind>(call: ActivityCallOf<K>): Promise<Outcome<K>>;
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
  /**
   * Runs an execution below this one to its end. The first call starts it, in one write with the intent; every later one
   * finds it by its id and goes on with it. A cancel of this execution reaches it, and its ending is waited for.
   */
  child(call: ChildCall): Promise<ChildOutcome>;
  /** Has a child climb down that an earlier `child` told as ended. Asked again under the same id it is the same rollback. */
  rollbackChild(call: ChildRollbackCall): Promise<ChildOutcome>;
  /**
   * Which of these calls ended first. All of them were made before, in the same tick as this one or earlier, and none was
   * answered by an earlier `first`. The answer is on record, by itself or by the order in which outcomes were recorded: on a
   * replay it is the same, whatever is faster then. Rejects with none of them: what a call throws is its own.
   */
  first(id: string, among: readonly string[]): Promise<string>;
  /**
   * Whether a person has asked the execution to begin no further step. Asked between two steps; `seq`: of the event that comes next.
   * Only a yes is written down: where that event is on record, the answer was no, and is no on every replay.
   */
  isToComplete(id: string, seq: number): Promise<boolean>;
  /** Milliseconds since 1970, journaled under the id. */
  now(id: string): Promise<number>;
  /**
   * Appends to the execution's events, idempotent by `seq`, which counts from 1 without gaps.
   * The host stamps the time of the first append.
   */
  emit(seq: number, event: EngineEvent): Promise<void>;
}
