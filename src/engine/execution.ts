/**
 * One execution as the interpreter sees it: what has been said so far, and the calls through which it acts.
 * Everything in here is rebuilt identically when a host runs the interpreter again after a crash.
 */
import type { Step } from '../document/types.ts';
import { own, type Json, type JsonObject } from '../json.ts';
import type { ActivityCallOf, ActivityKind, Identity, Outcome } from './activities.ts';
import type { EngineEvent } from './events.ts';
import { failureOf, type Failure } from './failure.ts';
import type { Runtime, SignalResult } from './ports.ts';
import type { Judgement } from './restore-points.ts';
import type { StepEnding, UndoResult } from './statuses.ts';
import type { EffectResult, ExecutionInput, Program, StepDescriptor } from './types.ts';

export interface Deadline {
  /**
   * Milliseconds since 1970, less the time in which nobody ran the execution. Moves on while a person is waited for:
   * people are not on the clock.
   */
  at: number;
}

/** How the present part of an execution runs: forward, in an onCancel chain, or climbing down. */
export interface Mode {
  /** Prefix of activity ids, so that a second rollback does not read the first one's record. */
  readonly idPrefix: string;
  /** Runs although the execution was cancelled. */
  readonly ignoreCancel: boolean;
  /** After which nothing new begins; null: no common budget. Shared by everything that runs on the budget. */
  readonly deadline: Deadline | null;
  /** Set in an undo list: the step that is undone, and the outputs of the list's own steps. */
  readonly undo: { readonly of: StepRecord; readonly outputs: Map<string, JsonObject> } | null;
  /** Set in the nested steps of a rolling: whose turn it is. */
  readonly turn: Turn | null;
  /** Set in a rollback: what it has found out about the data so far. Null too in one that an earlier version began. */
  readonly judgement: Judgement | null;
}

export const forward: Mode = {
  idPrefix: '',
  ignoreCancel: false,
  deadline: null,
  undo: null,
  turn: null,
  judgement: null,
};

/** One target's run of a rolling's nested steps. */
export interface Turn {
  /** The rolling step. */
  readonly of: StepRecord;
  readonly target: string;
  /** By step name: what the turn's own steps gave, and under the rolling's name what its nested steps may read of it. */
  readonly outputs: Map<string, JsonObject>;
  /** Whether it came to its end with every step and gate as wanted. */
  isDone: boolean;
}

/** One try that may have changed something. */
export interface TouchingAttempt {
  readonly token: string;
  readonly handle: Json;
}

/** What is known of a step that began. Grows while the step runs. */
export interface StepRecord {
  readonly step: Step;
  /** `Patch`, `SnapshotData/undo/Restore`, `PatchNodes@minio01/Stop`. Unique in the execution. */
  readonly path: string;
  /** Its place in the document, the same in every turn: `PatchNodes/Steps/Stop`. */
  readonly planPath: string;
  readonly descriptor: StepDescriptor;
  readonly turn: Turn | null;
  inputs: JsonObject | null;
  /** What the action observed before its effect. */
  before: Json;
  /** What `capture:` read then. */
  captures: JsonObject;
  /** The state right after the step; undefined: not observed. */
  after: Json | undefined;
  /** The state that the forward flow left behind; undefined: not observed. */
  left: Json | undefined;
  attempts: TouchingAttempt[];
  /** Whether the last try that may have acted is known to have come to its end. */
  hasEnded: boolean;
  result: EffectResult | null;
  status: StepEnding | null;
  /** The latest word on its undo; null: none was tried. */
  undo: UndoResult | null;
  /** Ids of its restore points that an undo put back into use. */
  used: string[];
}

export class Execution {
  /** The host, or the lanes through which a rolling's turns reach it. */
  runtime: Runtime;
  readonly program: Program;
  readonly input: ExecutionInput;
  /** Steps that began, in order; the forward flow's only. */
  readonly began: StepRecord[] = [];
  /** Outputs by step name, as references see them. */
  readonly outputs = new Map<string, JsonObject>();
  /** Called with every step that has run, before its end is told. */
  afterStep: (record: StepRecord, mode: Mode) => Promise<void> = () => Promise.resolve();
  assumeRole: string | undefined;
  /** Names of the locks that it holds, or has held and a later rollback takes again. */
  readonly locks = new Set<string>();
  #identity: Identity | undefined;
  #seq = 0;
  #clock = 0;
  /** Of the clock's time, what nobody ran the execution. */
  #absentMs = 0;

  constructor(runtime: Runtime, program: Program, input: ExecutionInput) {
    this.runtime = runtime;
    this.program = program;
    this.input = input;
  }

  async emit(event: EngineEvent): Promise<void> {
    this.#seq += 1;
    await this.runtime.emit(this.#seq, event);
  }

  /** The latest time that an outcome has told; never goes back. */
  get lastAt(): number {
    return this.#clock;
  }

  /** Calls AWS with the document's role, where it has one. */
  async activity<K extends ActivityKind>(call: Omit<ActivityCallOf<K>, 'assumeRole'>): Promise<Outcome<K>> {
    const role = this.assumeRole === undefined ? {} : { assumeRole: this.assumeRole };
    const outcome = await this.runtime.activity<K>({ ...call, ...role });
    this.#clock = Math.max(this.#clock, outcome.endedAt);
    this.#absentMs += outcome.absentMs ?? 0;
    return outcome;
  }

  async now(id: string): Promise<number> {
    const now = await this.runtime.now(id);
    this.#clock = Math.max(this.#clock, now);
    return now;
  }

  /** Milliseconds left of the mode's budget, at most `ms`. 0: the budget is spent. */
  within(mode: Mode, ms: number): number {
    if (mode.deadline === null) return ms;
    return Math.max(0, Math.min(ms, mode.deadline.at - (this.#clock - this.#absentMs)));
  }

  /** The end of a budget that began at that time. */
  deadline(since: number, budgetMs: number): Deadline {
    return { at: since - this.#absentMs + budgetMs };
  }

  /** Waits for a person, off the mode's clock. */
  async person(id: string, name: string, timeoutMs: number, mode: Mode): Promise<SignalResult> {
    const since = await this.now(`${id}:since`);
    const answer = await this.runtime.waitForSignal(id, name, timeoutMs, { ignoreCancel: mode.ignoreCancel });
    const until = await this.now(`${id}:until`);
    if (mode.deadline !== null) mode.deadline.at += Math.max(0, until - since);
    return answer;
  }

  /** By the step's place in the document. */
  descriptor(planPath: string): StepDescriptor {
    const descriptor = own(this.program.descriptors, planPath);
    if (descriptor === undefined) throw new Error(`the program has no descriptor of step ${planPath}`);
    return descriptor;
  }

  /** Where a step that runs in this mode leaves its outputs. */
  outputsOf(mode: Mode): Map<string, JsonObject> {
    return mode.undo?.outputs ?? mode.turn?.outputs ?? this.outputs;
  }

  /** Account, region and partition, asked for once and only when a reference needs them. */
  async identity(mode: Mode): Promise<{ readonly value: Identity } | { readonly failure: Failure }> {
    if (this.#identity !== undefined) return { value: this.#identity };
    const outcome = await this.activity({
      id: `${mode.idPrefix}identity`,
      kind: 'identity',
      input: {},
      step: '',
      token: this.runtime.executionId,
      timeoutMs: 60_000,
      onLost: 'rerun',
      ignoreCancel: mode.ignoreCancel,
    });
    if (outcome.status !== 'ok')
      return { failure: failureOf(outcome, 'AWS did not say who is calling in time') };
    this.#identity = outcome.value;
    return { value: outcome.value };
  }

  get knownIdentity(): Identity | undefined {
    return this.#identity;
  }
}
