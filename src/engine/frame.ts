/**
 * Where a part of an execution runs: a view of it with its own way to the host, scope, budget and ids. The forward flow, a
 * chain after a cancel, a rolling's lane, an undo list and a rollback are frames of one execution; none changes another's.
 */
import type { Step } from '../document/types.ts';
import type { ActivityCallOf, ActivityKind, Outcome } from './activities.ts';
import type { ChildCall, ChildOutcome, ChildRollbackCall } from './children.ts';
import type { Ending } from './endings.ts';
import type { EngineEvent } from './events.ts';
import type { Execution } from './execution.ts';
import type { Runtime, SignalResult } from './ports.ts';
import type { Scope, StepRecord } from './records.ts';
import type { RollbackState } from './restore-points.ts';
import type { ExecutionEnding } from './statuses.ts';

/** A list of steps: the main steps, an undo list, or nested steps in one turn of a rolling or one pass of a loop. */
export interface StepList {
  readonly steps: readonly Step[];
  /** Comes before a step's name in its path. */
  readonly path: string;
  /** Comes before a step's name in its place in the document. */
  readonly planPath: string;
}

export interface ListHooks {
  /** Asked before a step runs; false holds it back and ends the list. */
  readonly guard?: (record: StepRecord) => Promise<boolean>;
  readonly ended?: (record: StepRecord, ending: Ending) => void;
  /** Asked between two steps, as long as nobody has cancelled the execution. */
  readonly between?: (boundary: StepBoundary) => Promise<Between>;
}

/** Between two steps of a list. */
export interface StepBoundary {
  readonly steps: readonly Step[];
  /** Where the flow leads to by itself. */
  readonly next: Step;
  /** The step that has just ended; undefined: none has begun. */
  readonly last: Step | undefined;
}

/** `step`: by its name, in the list. */
export type Between =
  | { readonly kind: 'step'; readonly step: string }
  | { readonly kind: 'ended' }
  | { readonly kind: 'aborted'; readonly status: 'Cancelled' | 'TimedOut' };

export interface ListResult {
  readonly status: ExecutionEnding;
  /** The step that decided a status other than Success. */
  readonly failedStep: string | null;
  /** How it came to its end. `exited`: a step led to one that stands in a list around this one. */
  readonly end: ListEnd;
}

export type ListEnd =
  | { readonly kind: 'ended' }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'exited'; readonly step: string };

export type RunList = (frame: Frame, list: StepList, hooks?: ListHooks) => Promise<ListResult>;

export interface Deadline {
  /** In milliseconds of attended time. Moves on while a person is waited for: people are not on the clock. */
  at: number;
  /** The budget around it, which is spent with it. */
  readonly outer: Deadline | null;
  /** How many waits for a person are under way, and since when. */
  waits: number;
  waitsSince: number;
}

/** What a frame is made of. */
export interface FrameParts {
  readonly execution: Execution;
  /** The host, or the lane of it that this part has. */
  readonly runtime: Runtime;
  /** Runs lists of steps: handed to those that nest some. */
  readonly runList: RunList;
  readonly scope: Scope;
  /** Comes before activity ids, so that a second rollback does not read the first one's record. */
  readonly idPrefix: string;
  /** Runs although the execution was cancelled. */
  readonly ignoreCancel: boolean;
  /** After which nothing new begins; null: no common budget. Shared by everything that runs on the budget. */
  readonly deadline: Deadline | null;
  /** Set in a rollback; null too in one that an earlier version began. */
  readonly rollback: RollbackState | null;
}

/** A call without what the frame knows by itself. */
type Call<K extends ActivityKind> = Omit<ActivityCallOf<K>, 'assumeRole' | 'ignoreCancel'> & {
  readonly ignoreCancel?: true;
};

export class Frame {
  readonly #parts: FrameParts;

  constructor(parts: FrameParts) {
    this.#parts = parts;
  }

  get execution(): Execution {
    return this.#parts.execution;
  }

  get runtime(): Runtime {
    return this.#parts.runtime;
  }

  get runList(): RunList {
    return this.#parts.runList;
  }

  get scope(): Scope {
    return this.#parts.scope;
  }

  get idPrefix(): string {
    return this.#parts.idPrefix;
  }

  get ignoreCancel(): boolean {
    return this.#parts.ignoreCancel;
  }

  get rollback(): RollbackState | null {
    return this.#parts.rollback;
  }

  /** The same but for that. */
  with(change: Partial<Omit<FrameParts, 'execution'>>): Frame {
    return new Frame({ ...this.#parts, ...change });
  }

  /** Of a step's activities, without their own part: `rollback1/SnapshotData/undo/Restore`. */
  idOf({ path }: StepRecord): string {
    return this.idPrefix + path;
  }

  async emit(event: EngineEvent): Promise<void> {
    await this.runtime.emit(this.execution.nextSeq(), event);
  }

  /** Whether a person has asked for the execution's end before a further step. */
  isToComplete(id: string): Promise<boolean> {
    return this.runtime.isToComplete(id, this.execution.lastSeq + 1);
  }

  /** Calls AWS with the document's role, where it has one. */
  async activity<K extends ActivityKind>(call: Call<K>): Promise<Outcome<K>> {
    const { assumeRole, input } = this.execution;
    const location = call.location ?? input.location;
    const role = location !== undefined ? { location } : assumeRole === undefined ? {} : { assumeRole };
    const outcome = await this.runtime.activity<K>({ ignoreCancel: this.ignoreCancel, ...call, ...role });
    this.execution.heard(outcome);
    this.execution.answered += 1;
    return outcome;
  }

  /** Runs an execution below this one. What it locked is held by the root until that gives all back. */
  async child(call: Omit<ChildCall, 'ignoreCancel'>): Promise<ChildOutcome> {
    return this.#fromChild(await this.runtime.child({ ...call, ignoreCancel: this.ignoreCancel }));
  }

  /** Has a child climb down that has ended. */
  async rollbackChild(call: ChildRollbackCall): Promise<ChildOutcome> {
    return this.#fromChild(await this.runtime.rollbackChild(call));
  }

  #fromChild(outcome: ChildOutcome): ChildOutcome {
    this.execution.heard(outcome);
    if (outcome.status === 'ended') for (const lock of outcome.result.locks) this.execution.locks.add(lock);
    return outcome;
  }

  async now(id: string): Promise<number> {
    const endedAt = await this.runtime.now(id);
    this.execution.heard({ endedAt });
    return endedAt;
  }

  sleep(id: string, ms: number): Promise<'elapsed' | 'cancelled'> {
    const { ignoreCancel } = this;
    return this.runtime.sleep(id, ms, { ignoreCancel });
  }

  /** Waits for a person, off the budget's clock. */
  async person(id: string, name: string, timeoutMs: number): Promise<SignalResult> {
    const { deadline, ignoreCancel } = this.#parts;
    const since = await this.now(`${id}:since`);
    for (const each of around(deadline)) if ((each.waits += 1) === 1) each.waitsSince = since;
    const answer = await this.runtime.waitForSignal(id, name, timeoutMs, { ignoreCancel });
    const until = await this.now(`${id}:until`);
    // Waits that go on at the same time are off the clock once.
    for (const each of around(deadline))
      if ((each.waits -= 1) === 0) each.at += Math.max(0, until - each.waitsSince);
    return answer;
  }

  /** Milliseconds left of the budget, at most `ms`. 0: the budget is spent. */
  within(ms: number): number {
    const { deadline, execution } = this.#parts;
    let left = ms;
    for (const { at } of around(deadline)) left = Math.min(left, Math.max(0, at - execution.attendedAt));
    return left;
  }

  /** The same on a budget of its own, within the one that it is on. */
  limitedTo(budgetMs: number, since: number): Frame {
    const own = deadlineAfter(this.execution, since, budgetMs);
    return this.with({ deadline: { ...own, outer: this.#parts.deadline } });
  }

  get isOnBudget(): boolean {
    return this.#parts.deadline !== null;
  }

  get isSpent(): boolean {
    return this.within(1) === 0;
  }
}

/** The end of a budget that began at that time. */
export function deadlineAfter(execution: Execution, since: number, budgetMs: number): Deadline {
  return { at: since - execution.absentMs + budgetMs, outer: null, waits: 0, waitsSince: 0 };
}

/** The budget, and those around it. */
function* around(deadline: Deadline | null): Generator<Deadline> {
  for (let at = deadline; at !== null; at = at.outer) yield at;
}
