/**
 * What happened in an execution, in the past tense. Events are what people and other programs see (`--json`, `show`,
 * the live view); the outcomes that the interpreter resumes from are journaled apart.
 */
import type { Json, JsonObject } from '../json.ts';
import type { Failure } from './failure.ts';
import type { ExecutionEnding, RollbackStatus, StepEnding, UndoResult } from './statuses.ts';

/**
 * One thing that became different: `postgresql-15` on `db1` from `15.18` to `15.20`. Null: it did not exist. With `from` and
 * `to` alike it was found as wanted, whatever an earlier step had said of it.
 */
export type Change = {
  readonly target: string;
  readonly subject: string;
  readonly from: string | null;
  readonly to: string | null;
  /** The step's own undo leaves it so: what was there before is gone. */
  readonly isForGood?: true;
};

/** Something that a later undo may need: a snapshot, an image, a backup. */
export type RestorePoint = {
  readonly id: string;
  /** What it was taken of: `vol-0b2c`. */
  readonly of: string;
};

/** A process that runs a program or a library which is no longer there: by its number and its beginning, as numbers are given again. */
export type OutdatedProcess = {
  readonly target: string;
  readonly pid: number;
  /** Clock ticks from the host's boot to its beginning, as the host writes it. */
  readonly began: string;
  readonly name: string;
  /** The unit or session that it is of; empty: nobody knows. */
  readonly unit: string;
  /** The file, by the name that it had. */
  readonly path: string;
};

/** A step that ran. */
export type Ran = {
  /** `Patch`; `Patch/Note` of an execution below the one that is told. */
  readonly step: string;
  /** Empty: nobody knows where. */
  readonly targets: readonly string[];
  /** Nobody knows how far it came. Absent: it ran to its end. */
  readonly isUnsure?: true;
};

export type Waiting =
  | {
      readonly kind: 'approval';
      readonly message: string;
      readonly approvers: readonly string[];
      readonly wanted: number;
      readonly given: number;
      readonly timeoutSeconds: number;
      /** Tells this wait from every other one of the execution; absent in executions of Belay 0.1. */
      readonly wait?: string;
      /** Only a signature counts. */
      readonly signed?: true;
      /** Whoever started the execution may not approve. */
      readonly separate?: true;
      /** Why what somebody said last did not count. */
      readonly refused?: string;
    }
  | { readonly kind: 'pause'; readonly message?: string; readonly timeoutSeconds: number }
  | { readonly kind: 'sleep'; readonly seconds: number }
  /** Nobody knows whether the step's effect happened; a person has to look. */
  | { readonly kind: 'unknownOutcome'; readonly message: string }
  /** Another execution holds what this one needs. */
  | {
      readonly kind: 'lock';
      readonly lock: string;
      readonly holder: string;
      readonly since: number;
      readonly timeoutSeconds: number;
    }
  /** Interactive mode: which step is next. `number`: tells this wait from every other one of the execution. */
  | { readonly kind: 'nextStep'; readonly steps: readonly string[]; readonly number: number }
  /** `rollback: ask`. */
  | { readonly kind: 'rollbackDecision'; readonly steps: readonly string[] };

/** What a step can do to the world, and how that is taken back, as its program says. */
export type Reach =
  /** Nothing that it does can change anything that would have to be taken back: it reads, waits or only speaks. */
  | { readonly kind: 'nothing' }
  /** It can, and a rollback undoes it: by what its action knows, or by the steps of its author's list. */
  | { readonly kind: 'undone'; readonly by: 'action' | 'list' }
  /** By its author's word it leaves nothing that needs undoing. */
  | { readonly kind: 'harmless'; readonly reason: string }
  /** It can, and nothing takes it back. */
  | { readonly kind: 'stays'; readonly reason: string };

/** What a look at the state that a step may have changed found, beside what was observed before the step. */
export type Looked = 'asBefore' | 'different' | 'unread';

export type EngineEvent =
  | {
      readonly type: 'ExecutionStarted';
      readonly steps: readonly { readonly name: string; readonly action: string }[];
    }
  | {
      readonly type: 'StepStarted';
      readonly step: string;
      readonly action: string;
      readonly inputs: JsonObject;
      /** Absent in journals of an earlier version. */
      readonly reach?: Reach;
      /** What in the inputs is null because its step has not run, a sentence each. */
      readonly absent?: readonly string[];
    }
  | {
      readonly type: 'AttemptFailed';
      readonly step: string;
      readonly attempt: number;
      readonly of: number;
      readonly failure: Failure;
    }
  /** After a crash or a lost reply: what was found to have happened. */
  | { readonly type: 'EffectAdopted'; readonly step: string; readonly found: 'absent' | 'running' | 'done' }
  | { readonly type: 'StepWaiting'; readonly step: string; readonly waiting: Waiting }
  | {
      readonly type: 'StepEnded';
      readonly step: string;
      readonly status: StepEnding;
      readonly attempts: number;
      readonly outputs: JsonObject;
      readonly changes: readonly Change[];
      readonly restorePoints: readonly RestorePoint[];
      readonly targets: readonly string[];
      readonly note: string;
      readonly failure: Failure | null;
      /** Decides the execution's status although the flow went on. */
      readonly critical: boolean;
      /** Whether anything of its effect happened. `unknown`: it may have, or not have come to its end. */
      readonly acted?: 'no' | 'yes' | 'unknown';
      /** Where it acted, cannot tell what it changed and has no undo: why it has none. */
      readonly untold?: string;
      /** Where it has no undo and said what it changed: why it has none. */
      readonly noUndo?: string;
      /** Steps of executions below it that ran, or may have, told no change, and need no undo by their author's word. Absent: none. */
      readonly byWord?: readonly Ran[];
    }
  /** A rolling turned to a target: the `number`-th `of` so many. */
  | {
      readonly type: 'TurnStarted';
      readonly step: string;
      readonly target: string;
      readonly number: number;
      readonly of: number;
    }
  | {
      readonly type: 'TurnEnded';
      readonly step: string;
      readonly target: string;
      readonly number: number;
      readonly of: number;
      readonly status: ExecutionEnding;
      readonly failure: Failure | null;
    }
  /** A loop began a pass. */
  | {
      readonly type: 'PassStarted';
      readonly step: string;
      /** Counts from 1. */
      readonly iteration: number;
      /** How many there will be at most; null: a condition decides. */
      readonly of: number | null;
      /** The item that the pass is for. */
      readonly value?: Json;
    }
  /** The states that touched steps may have changed were looked at once more: when the flow or a rollback had ended. */
  | {
      readonly type: 'StateLooked';
      readonly steps: readonly { readonly step: string; readonly found: Looked }[];
    }
  | {
      readonly type: 'ForwardEnded';
      readonly status: ExecutionEnding;
      readonly failedStep: string | null;
      /** A person had it end before a further step. */
      readonly completed?: true;
    }
  | {
      readonly type: 'RollbackStarted';
      readonly pass: number;
      readonly steps: readonly string[];
      readonly budgetSeconds: number;
    }
  | { readonly type: 'UndoStarted'; readonly step: string; readonly action: string }
  | {
      readonly type: 'UndoEnded';
      readonly step: string;
      readonly result: UndoResult;
      readonly reason: string;
      readonly changes: readonly Change[];
      readonly targets: readonly string[];
      readonly note: string;
      readonly failure: Failure | null;
      /** What a look right after it found of the state that it puts back; absent: nobody can compare that state. */
      readonly looked?: Looked;
      /** Of a step over many hosts that is not undone on all: the hosts on which it is not. Absent: all, or it is of a single one. */
      readonly standsOn?: readonly string[];
    }
  /** The present state differs from the one that the run left; nothing was undone. */
  | {
      readonly type: 'RollbackRefused';
      readonly pass: number;
      readonly drift: readonly { readonly step: string; readonly left: Json; readonly found: Json }[];
    }
  /** Everything was undone before: the states were looked at once more, and nothing was done. */
  | {
      readonly type: 'RollbackRepeated';
      readonly pass: number;
      readonly steps: readonly {
        readonly step: string;
        readonly found: Looked;
        /** `size 16 → 8`, where it is not as it was before the step any more. */
        readonly difference: string;
      }[];
    }
  /** Processes that ran what was taken back were looked for once more: these still do. */
  | { readonly type: 'OutdatedLookedFor'; readonly processes: readonly OutdatedProcess[] }
  | { readonly type: 'RollbackEnded'; readonly pass: number; readonly status: RollbackStatus }
  | { readonly type: 'NotifyFailed'; readonly failure: Failure }
  /** `unheard`: hosts of a cluster that did not answer; a majority of them holds the lock. */
  | { readonly type: 'LocksTaken'; readonly locks: readonly string[]; readonly unheard: readonly string[] }
  /** Nothing of what the locks are for has begun. */
  | { readonly type: 'LocksRefused'; readonly failure: Failure }
  /** `kept`: those that could not be given back, and why. */
  | {
      readonly type: 'LocksReleased';
      readonly kept: readonly { readonly lock: string; readonly why: string }[];
    }
  | {
      readonly type: 'ExecutionEnded';
      readonly status: ExecutionEnding;
      readonly rollbackStatus: RollbackStatus;
      readonly outputs: JsonObject;
    };

export interface RecordedEvent {
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly event: EngineEvent;
}
