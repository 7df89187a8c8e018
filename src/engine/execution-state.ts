/** Folds an execution's events into what people are shown: list, show, the live view and the HTTP API see this alone. */
import type { JsonObject } from '../json.ts';
import type {
  Change,
  Looked,
  OutdatedProcess,
  Ran,
  Reach,
  RecordedEvent,
  RestorePoint,
  Waiting,
} from './events.ts';
import { inTreeOrder, pathAround } from './step-tree.ts';
import { driftText } from './drift-text.ts';
import type { Failure } from './failure.ts';
import type { ExecutionStatus, RollbackStatus, StepStatus, UndoResult } from './statuses.ts';

export interface StepState {
  readonly name: string;
  readonly action: string;
  readonly status: StepStatus;
  readonly attempts: number;
  readonly inputs: JsonObject;
  readonly outputs: JsonObject;
  readonly failure: Failure | null;
  readonly changes: readonly Change[];
  readonly restorePoints: readonly RestorePoint[];
  readonly targets: readonly string[];
  readonly note: string;
  readonly waiting: Waiting | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** What it can do to the world; absent in journals of an earlier version. */
  readonly reach?: Reach;
  /** Whether anything of its effect happened; absent while it runs and in journals of an earlier version. */
  readonly acted?: 'no' | 'yes' | 'unknown';
  /** What the latest look at the state that it may have changed found, and when. */
  readonly looked?: { readonly found: Looked; readonly at: number };
  /** Where it acted, cannot tell what it changed and has no undo: why it has none. */
  readonly untold?: string;
  /** Where it has no undo and said what it changed: why it has none. */
  readonly noUndo?: string;
  /** Steps of executions below it that ran, told no change, and need no undo by their author's word. */
  readonly byWord?: readonly Ran[];
}

export interface UndoState {
  readonly name: string;
  readonly action: string;
  readonly result: UndoResult | 'running';
  readonly reason: string;
  readonly failure: Failure | null;
  readonly changes: readonly Change[];
  readonly targets: readonly string[];
  readonly note: string;
  /** Of a step over many hosts that is not undone on all: the hosts on which it is not. */
  readonly standsOn?: readonly string[];
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** What a look right after it found of the state that it puts back; absent: nobody could compare that. */
  readonly looked?: Looked;
  /** Steps of its own undo list, in the order they ran. */
  readonly steps: readonly StepState[];
}

export interface Repeated {
  readonly at: number;
  readonly steps: readonly { readonly step: string; readonly found: Looked; readonly difference: string }[];
}

export interface ExecutionState {
  readonly status: ExecutionStatus;
  readonly rollbackStatus: RollbackStatus;
  readonly failedStep: string | null;
  /** A person had it end before a further step. */
  readonly wasCompleted?: true;
  readonly steps: readonly StepState[];
  /** The latest word on every undo, in the order they ran. */
  readonly rollback: readonly UndoState[];
  readonly outputs: JsonObject;
  /** Set while `rollback: ask` waits for its answer, or Interactive mode for the next step. */
  readonly waiting: Waiting | null;
  /** Set when the last rollback asked for was refused. */
  readonly drift: readonly { readonly step: string; readonly what?: string }[];
  /** Set when a rollback was asked for although everything was undone: what it saw. */
  readonly repeated: Repeated | null;
  /** Processes that still run what was taken back, when they were last looked for. */
  readonly outdated: readonly OutdatedProcess[];
  /** When the latest rollback ended. */
  readonly rolledBackAt: number | null;
  /** Why it got no locks, when the last that it asked for were refused. */
  readonly refused: Failure | null;
  /** What it holds alone. */
  readonly locks: readonly string[];
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** How often it ended: once by itself, and once more after each rollback that was asked for since. */
  readonly endings: number;
  readonly lastSeq: number;
}

export const initialState: ExecutionState = {
  status: 'Pending',
  rollbackStatus: 'notRequested',
  failedStep: null,
  steps: [],
  rollback: [],
  outputs: {},
  waiting: null,
  drift: [],
  repeated: null,
  outdated: [],
  rolledBackAt: null,
  refused: null,
  locks: [],
  startedAt: null,
  endedAt: null,
  endings: 0,
  lastSeq: 0,
};

export function foldEvents(
  events: Iterable<RecordedEvent>,
  state: ExecutionState = initialState,
): ExecutionState {
  const folding = new Folding(state);
  for (const event of events) folding.apply(event);
  return folding.state();
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Mutable while folding, so that ten thousand steps cost ten thousand times one. */
class Folding {
  readonly #head: Mutable<Omit<ExecutionState, 'steps' | 'rollback'>>;
  readonly #steps: Map<string, StepState>;
  readonly #undos: Map<string, UndoState>;

  constructor({ steps, rollback, ...head }: ExecutionState) {
    this.#head = { ...head };
    this.#steps = new Map(steps.map((step) => [step.name, step]));
    this.#undos = new Map(rollback.map((undo) => [undo.name, undo]));
  }

  state(): ExecutionState {
    return { ...this.#head, steps: inTreeOrder(this.#steps), rollback: [...this.#undos.values()] };
  }

  apply({ seq, at, event }: RecordedEvent): void {
    const head = this.#head;
    head.lastSeq = seq;
    switch (event.type) {
      case 'ExecutionStarted':
        Object.assign(head, { status: 'InProgress', startedAt: at });
        for (const { name, action } of event.steps) this.#steps.set(name, pendingStep(name, action));
        return;
      case 'StepStarted':
        head.status = this.#isRollingBack() ? head.status : 'InProgress';
        this.#isNextKnown();
        this.#put(event.step, {
          ...pendingStep(event.step, event.action),
          status: 'InProgress',
          inputs: event.inputs,
          startedAt: at,
          ...(event.reach === undefined ? {} : { reach: event.reach }),
        });
        return;
      case 'AttemptFailed':
        this.#change(event.step, { attempts: event.attempt });
        return;
      case 'EffectAdopted':
      case 'NotifyFailed':
      case 'TurnStarted':
      case 'PassStarted':
        return;
      case 'TurnEnded':
        this.#steps.delete(`${event.step}@${event.target}`);
        return;
      case 'StepWaiting':
        if (event.waiting.kind === 'lock') {
          Object.assign(head, {
            waiting: event.waiting,
            status: head.endedAt === null ? 'Waiting' : head.status,
          });
          return;
        }
        if (event.waiting.kind === 'rollbackDecision') {
          Object.assign(head, { rollbackStatus: 'waiting', waiting: event.waiting });
          return;
        }
        if (event.waiting.kind === 'nextStep') {
          Object.assign(head, { status: 'Waiting', waiting: event.waiting });
          return;
        }
        if (this.#isRollingBack())
          head.rollbackStatus = event.waiting.kind === 'sleep' ? 'running' : 'waiting';
        else head.status = event.waiting.kind === 'sleep' ? 'InProgress' : 'Waiting';
        this.#wait(event.step, event.waiting, at);
        return;
      case 'StepEnded': {
        const { type: _type, step, critical: _critical, ...ended } = event;
        this.#change(step, { ...ended, waiting: null, endedAt: at });
        if (this.#isRollingBack()) head.rollbackStatus = 'running';
        else head.status = 'InProgress';
        return;
      }
      case 'StateLooked':
        for (const { step, found } of event.steps) this.#change(step, { looked: { found, at } });
        return;
      case 'ForwardEnded':
        this.#isNextKnown();
        head.failedStep = event.failedStep;
        if (event.completed === true) head.wasCompleted = true;
        head.status = event.status === 'Success' ? 'InProgress' : event.status;
        return;
      case 'RollbackStarted':
        Object.assign(head, {
          rollbackStatus: 'running',
          waiting: null,
          drift: [],
          repeated: null,
          endedAt: null,
        });
        return;
      case 'UndoStarted':
        this.#undos.delete(event.step);
        this.#undos.set(event.step, runningUndo(event.step, event.action, at));
        return;
      case 'UndoEnded': {
        const { type: _type, step, ...ended } = event;
        const undo = this.#undos.get(step);
        if (undo !== undefined) this.#undos.set(step, { ...undo, ...ended, endedAt: at });
        return;
      }
      case 'LocksTaken':
        head.locks = [...head.locks, ...event.locks];
        Object.assign(head, { refused: null, waiting: null });
        if (head.status === 'Waiting') head.status = 'InProgress';
        return;
      case 'LocksRefused':
        Object.assign(head, { refused: event.failure, waiting: null });
        return;
      case 'LocksReleased':
        head.locks = event.kept.map(({ lock }) => lock);
        return;
      case 'RollbackRefused':
        head.drift = event.drift.map(({ step, left, found }) => ({ step, what: driftText({ left, found }) }));
        return;
      case 'RollbackRepeated':
        Object.assign(head, { repeated: { at, steps: event.steps }, drift: [], refused: null });
        return;
      case 'OutdatedLookedFor':
        head.outdated = event.processes;
        return;
      case 'RollbackEnded':
        head.rolledBackAt = at;
        head.rollbackStatus = event.status;
        return;
      case 'ExecutionEnded':
        Object.assign(head, {
          waiting: null,
          status: event.status,
          rollbackStatus: event.rollbackStatus,
          outputs: event.outputs,
          endedAt: at,
          endings: head.endings + 1,
        });
        return;
      default:
        event satisfies never;
    }
  }

  /** Nobody is asked any more which step is next. */
  #isNextKnown(): void {
    if (this.#head.waiting?.kind === 'nextStep') this.#head.waiting = null;
  }

  /** One of the hosts of a step over many is a step of its own for as long as a person has to answer for it. */
  #wait(path: string, waiting: Waiting, at: number): void {
    const status = waiting.kind === 'sleep' ? 'InProgress' : 'Waiting';
    const around = pathAround(path);
    const step = around === undefined ? undefined : this.#steps.get(around);
    const isHost = around !== undefined && !path.slice(around.length).includes('/');
    if (step !== undefined && isHost && !this.#steps.has(path))
      this.#steps.set(path, { ...pendingStep(path, step.action), startedAt: at });
    this.#change(path, { status, waiting });
  }

  #isRollingBack(): boolean {
    return this.#head.rollbackStatus === 'running' || this.#head.rollbackStatus === 'waiting';
  }

  #put(path: string, step: StepState): void {
    const owner = ownerOf(path);
    const undo = owner === undefined ? undefined : this.#undos.get(owner);
    if (owner === undefined) this.#steps.set(path, step);
    else if (undo !== undefined) {
      this.#undos.set(owner, { ...undo, steps: [...undo.steps.filter(({ name }) => name !== path), step] });
    }
  }

  #change(path: string, change: Partial<StepState>): void {
    const owner = ownerOf(path);
    const step =
      owner === undefined
        ? this.#steps.get(path)
        : this.#undos.get(owner)?.steps.find(({ name }) => name === path);
    if (step !== undefined) this.#put(path, { ...step, ...change });
  }
}

/**
 * The step that is undone: `SnapshotData` for `SnapshotData/undo/Restore`, `PatchNodes@minio01/Stop` for a step of its undo
 * list; undefined for a step that runs forward.
 */
export function ownerOf(path: string): string | undefined {
  const at = path.indexOf('/undo/');
  return at === -1 ? undefined : path.slice(0, at);
}

function pendingStep(name: string, action: string): StepState {
  return {
    name,
    action,
    status: 'Pending',
    attempts: 0,
    inputs: {},
    outputs: {},
    failure: null,
    changes: [],
    restorePoints: [],
    targets: [],
    note: '',
    waiting: null,
    startedAt: null,
    endedAt: null,
  };
}

function runningUndo(name: string, action: string, startedAt: number): UndoState {
  return {
    name,
    action,
    result: 'running',
    reason: '',
    failure: null,
    changes: [],
    targets: [],
    note: '',
    startedAt,
    endedAt: null,
    steps: [],
  };
}
