/**
 * The engine's words.
 *
 * runbook     the file an author writes                       document   the same, parsed and checked
 * program     a document with what its actions say of themselves, frozen when an execution starts
 * execution   one run of a program                             step       one entry of mainSteps or of an undo list
 * attempt     one try of a step                                action     what a step does: host:package
 * effect      the part of an action that changes the world     observe    reads the state before it, journaled first
 * undo        of one step                                      rollback   of an execution: every step that began, last first
 * lock        a resource that one execution holds alone: host:db1
 * token       names an effect to the world, so that it is done once
 * activity    one call through the Runtime port                outcome    what came of it
 * restore point   a snapshot, image or backup that an undo may need
 * loop        a step that runs its nested steps again and again                 pass     one run of them
 * rolling     a step that runs its nested steps for one target after another        turn     one target's run of them
 * child       an execution that a step of another one started            root       the execution at the top
 * gate        nested steps that must hold before and after each turn
 * flow step   a step that the engine runs itself: a branch, a sleep, a loop     control flow   which step a step leads to
 * over hosts  one step on many hosts, each prepared, tried and undone for itself: Hosts
 */
import type { Document, Step } from '../document/types.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Change, OutdatedProcess, RestorePoint } from './events.ts';

/** What an action says of itself, given a step's inputs as written. Frozen into the program. */
export interface StepDescriptor {
  /** Which flow step it is; null: a step of an action. */
  readonly flow:
    | 'branch'
    | 'sleep'
    | 'pause'
    | 'approve'
    | 'rolling'
    | 'loop'
    | 'updateVariable'
    | 'child'
    | null;
  /** It names many hosts, and its action acts on one at a time. */
  readonly overHosts?: true;
  /** `begun` effects are begun under a token and can be adopted; the other two are harmless to do again. */
  readonly effect: 'read' | 'repeatable' | 'begun';
  /** Whether there is a before-state to journal. */
  readonly observes: boolean;
  /**
   * What of that state changes only when somebody changes it: an undo compares it with what the step left. Absent: nothing,
   * or the program is of an earlier version.
   */
  readonly settled?: readonly string[];
  /**
   * What of that state its undo puts back: it is read again right after the undo. Absent: nobody can compare it, or the
   * program is of an earlier version.
   */
  readonly putsBack?: readonly string[];
  readonly undo: UndoDescriptor;
  /** Seconds per attempt; null: no limit. */
  readonly timeoutSeconds: number | null;
  /** Deletes restore points: in a rollback it is held back while they may be needed. Names the input that lists them. */
  readonly removesRestorePoints: string | null;
  /** Puts a restore point back into use. Names the input that lists them. */
  readonly usesRestorePoints: string | null;
  /** The Boolean output that is a verdict on the data: true sound, false hurt. */
  readonly verdict: string | null;
}

export type UndoDescriptor =
  /** Reads or waits: nothing to undo. */
  | { readonly kind: 'notNeeded' }
  | { readonly kind: 'restore'; readonly again?: Again }
  | { readonly kind: 'restorePoint' }
  /** `leavesChange`: a rollback that meets it is partial. */
  | { readonly kind: 'none'; readonly reason: string; readonly leavesChange: boolean };

/**
 * The step, or its undo, starts something that reads what steps below it have changed: after those are undone, it is started
 * once more. All of it is data, so that it can be stored with the program.
 */
export interface Again {
  /** What has to be so: inputs and observed values by dotted name, with what they may be. */
  readonly inputs: Readonly<Record<string, readonly Json[]>>;
  readonly before: Readonly<Record<string, readonly Json[]>>;
  /** Inputs that say what is started, its target first: steps that agree in all of them start it once. */
  readonly of: readonly string[];
}

/** A document ready to run. Plain JSON; what started is what is resumed. */
export interface Program {
  /**
   * Version of the interpreter that it was made for. 1: a try whose outcome is unknown is begun again without a look at
   * what became of it, and restore points do not go last. 2: the time limit of a step that sleeps is not held.
   */
  readonly interpreter: 1 | 2 | 3;
  readonly document: Document;
  /** By the step's place in the document: `Patch`, `SnapshotData/undo/Restore`, `PatchNodes/Steps/Stop`. */
  readonly descriptors: Readonly<Record<string, StepDescriptor>>;
}

export interface RollbackRequest {
  /** Only this step's undo. */
  readonly step?: string;
  /** Although the present state differs from the one that the run left. */
  readonly force: boolean;
  /** Of the version that asked; absent: an earlier one. */
  readonly interpreter?: 2;
  /** How long locks that another execution holds are waited for, in seconds; absent: as long as the run itself would have. */
  readonly lockWaitSeconds?: number;
  /** Of a child: the call of the execution above it that asks. */
  readonly call?: string;
}

export interface ExecutionInput {
  readonly parameters: JsonObject;
  /** What decides about rollback: the document's `rollback`, or the operator's flag. */
  readonly rollbackWhen: 'onFailure' | 'never' | 'ask';
  /** `belay rollback` of the finished execution, in the order asked. Only ever appended to. */
  readonly rollbackRequests: readonly RollbackRequest[];
  /** Sandbox only: on the host's port this step acts, then fails with SIMULATED and no outputs. */
  readonly failAt: string | null;
  /** How long a lock that another execution holds is waited for, in seconds; absent: not at all. */
  readonly lockWaitSeconds?: number;
  /** Of a child: the execution above it, which gives its locks back. */
  readonly parent?: string;
  /** An approval counts only when the host finds it signed by whom it names. */
  readonly signedApprovals?: true;
  /** Of a child that acts in another account or region: there its runbook's own assumeRole is not taken, nor that of those below it. */
  readonly location?: Location;
  /** Before each step of the main flow a person says which one runs, as in SSM's mode of that name; absent: they run by themselves. */
  readonly mode?: 'Interactive';
}

/** Where AWS is called, in place of the caller's own account and region. */
export interface Location {
  /** ARNs, each assumed with the one before it; the last is the role there. */
  readonly roles: readonly string[];
  readonly region: string;
}

/** Values that a `wait` activity gives; kept by the engine for later steps and for undo. */
export type EffectResult = {
  readonly outputs: JsonObject;
  readonly changes: readonly Change[];
  readonly restorePoints: readonly RestorePoint[];
  /** Hosts, instances or volumes that the step acted on. */
  readonly targets: readonly string[];
  readonly note: string;
  /** Of an undo: processes that run what it has taken away. Absent: none, or it cannot tell. */
  readonly outdated?: readonly OutdatedProcess[];
};

export type { Document, Step };
