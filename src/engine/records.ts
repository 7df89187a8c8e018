/** What is known of the steps that began, and the scopes in which they ran. Rebuilt identically on every replay. */
import type { ErrorBudget } from '../document/index.ts';
import type { Step } from '../document/types.ts';
import type { Json, JsonObject } from '../json.ts';
import type { OutdatedProcess } from './events.ts';
import type { ExecutionResult } from './result.ts';
import type { StepEnding, UndoResult } from './statuses.ts';
import type { EffectResult, StepDescriptor } from './types.ts';

/** One try that may have changed something. */
export interface TouchingAttempt {
  readonly token: string;
  readonly handle: Json;
}

export interface StartedChild {
  /** The id of the call that started it. */
  readonly call: string;
  readonly executionId: string;
  /** Steps of it that a rollback would still undo. */
  readonly owed: number;
  /** See ExecutionResult. */
  readonly acted: ExecutionResult['acted'];
  readonly byWord: ExecutionResult['byWord'];
}

/** What is known of a step that began. Grows while the step runs. */
export interface StepRecord {
  readonly step: Step;
  /** `Patch`, `SnapshotData/undo/Restore`, `PatchNodes@minio01/Stop`, `Stop@db1` on one of many hosts. Unique in the execution. */
  readonly path: string;
  /** Its place in the document, the same in every turn: `PatchNodes/Steps/Stop`. */
  readonly planPath: string;
  readonly descriptor: StepDescriptor;
  readonly scope: Scope;
  /** Its place among the steps that began; -1 in an undo list, whose steps are not undone. */
  readonly index: number;
  /** What the document's variables were when it began. */
  readonly variables: JsonObject;
  inputs: JsonObject | null;
  /** What the action observed before its effect. */
  before: Json;
  /** What `capture:` read then. */
  captures: JsonObject;
  /** The state right after the step; undefined: not observed. */
  after: Json | undefined;
  /** The state that the forward flow left behind; undefined: not observed. */
  left: Json | undefined;
  attempts: readonly TouchingAttempt[];
  /** Whether the last try that may have acted is known to have come to its end. */
  hasEnded: boolean;
  result: EffectResult | null;
  status: StepEnding | null;
  /** Of a step over many hosts: what is known of it on each that it was begun on, in that order. It has no attempts of its own. */
  onHosts?: readonly StepRecord[];
  /** How many of them it may act on at once, and how many may fail. */
  budget?: ErrorBudget;
  /** Of a step on one of many hosts: the step as a whole, and the host. */
  readonly host?: { readonly of: StepRecord; readonly name: string };
  /** Executions that it started, in that order. */
  children?: StartedChild[];
  /** The latest word on its undo; null: none was tried. */
  undo: UndoResult | null;
  /** Processes that ran what its undo has taken away, when they were last looked for. */
  outdated?: readonly OutdatedProcess[];
  /** What it started runs anew since the steps below it were undone. */
  isStartedAgain?: boolean;
}

/** Of a step that has just begun: nobody has looked at anything, and nothing was tried. */
export function nothingKnown() {
  return {
    before: null,
    captures: {},
    after: undefined,
    left: undefined,
    attempts: [],
    hasEnded: false,
    result: null,
    status: null,
    undo: null,
  } satisfies Partial<StepRecord>;
}

/** Where steps leave their outputs by name, and where references look for them: here first, then in the parent. */
export type Scope = MainScope | TurnScope | PassScope | UndoScope;

export interface MainScope {
  readonly kind: 'main';
  readonly outputs: Map<string, JsonObject>;
  readonly parent: null;
}

/** One target's run of a rolling's nested steps. */
export interface TurnScope {
  readonly kind: 'turn';
  readonly outputs: Map<string, JsonObject>;
  readonly parent: Scope;
  /** The rolling step. */
  readonly of: StepRecord;
  readonly target: string;
  readonly targets: readonly string[];
  /** Whether it came to its end with every step and gate as wanted. */
  isDone: boolean;
  /** Whether an undo of one of its steps was tried. */
  isTouched: boolean;
  /** Steps of it whose undo failed. */
  readonly failedUndos: Set<StepRecord>;
}

/** One pass of a loop. */
export interface PassScope {
  readonly kind: 'pass';
  readonly outputs: Map<string, JsonObject>;
  readonly parent: Scope;
  /** The loop. */
  readonly of: StepRecord;
  /** Counts from 1. */
  readonly iteration: number;
  /** The item that it is for; undefined: the loop has a condition and no items. */
  readonly value: Json | undefined;
}

/** An undo list. Its parent is the scope of the step that it undoes. */
export interface UndoScope {
  readonly kind: 'undo';
  readonly outputs: Map<string, JsonObject>;
  readonly parent: Scope;
  readonly of: StepRecord;
}

/** This scope, and those around it. */
export function* scopesAround(scope: Scope): Generator<Scope> {
  for (let at: Scope | null = scope; at !== null; at = at.parent) yield at;
}

/** Whether it is an undo list, or stands in one. */
export function isInUndo(scope: Scope): boolean {
  return undoAround(scope) !== undefined;
}

/** The nearest undo list around. */
export function undoAround(scope: Scope): UndoScope | undefined {
  return scopesAround(scope).find((each) => each.kind === 'undo');
}

/** The turn that the step belongs to, whatever loops stand between; null: none. */
export function turnOf(record: StepRecord): TurnScope | null {
  for (const scope of scopesAround(record.scope)) {
    if (scope.kind === 'turn') return scope;
    if (scope.kind !== 'pass') return null;
  }
  return null;
}

/** The loops and rollings in whose steps it stands, the nearest first. */
export function nestingOf(record: StepRecord): StepRecord[] {
  return [...scopesAround(record.scope)].flatMap((scope) =>
    scope.kind === 'turn' || scope.kind === 'pass' ? [scope.of] : [],
  );
}
