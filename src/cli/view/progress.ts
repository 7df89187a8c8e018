/** What the view remembers between events: which steps are under way since when, and how wide the columns are. */
import { ownerOf, type RecordedEvent, type Waiting } from '../../engine/index.ts';
import { targetsText } from './change-text.ts';
import { targetsOfInputs } from './input-targets.ts';

export interface ActiveStep {
  /** `Patch`, `SnapshotData/undo/Restore`; an undo has its step's name. */
  readonly path: string;
  readonly startedAt: number;
  readonly targets: readonly string[];
  readonly isUndo: boolean;
  readonly waiting: Waiting | null;
}

const nameWidthMax = 28;
const targetWidthMax = 20;

export class Progress {
  readonly executionId: string;
  nameWidth = 0;
  targetWidth = 0;
  /** Steps under way, by path; undo steps behind the undo that they belong to. */
  readonly active = new Map<string, ActiveStep>();
  /** Steps, or undos, that have not begun. */
  readonly pending = new Set<string>();
  readonly done: string[] = [];
  /** What was found after a crash, until the step ends. */
  readonly adopted = new Map<string, 'absent' | 'running' | 'done'>();
  isRollingBack = false;
  isWaitingForDecision = false;

  constructor(executionId: string) {
    this.executionId = executionId;
  }

  apply({ at, event }: RecordedEvent): void {
    switch (event.type) {
      case 'ExecutionStarted':
        for (const { name } of event.steps) this.#expect(name);
        return;
      case 'StepStarted':
        this.#begin(event.step, at, targetsOfInputs(event.inputs), false);
        return;
      case 'UndoStarted':
        this.#begin(event.step, at, [], true);
        return;
      case 'StepWaiting':
        if (event.waiting.kind === 'rollbackDecision') this.isWaitingForDecision = true;
        this.#wait(event.step, event.waiting);
        return;
      case 'EffectAdopted':
        this.adopted.set(event.step, event.found);
        return;
      case 'StepEnded':
      case 'UndoEnded':
        this.active.delete(event.step);
        this.adopted.delete(event.step);
        this.widen(event.targets);
        if (event.type === 'StepEnded' && ownerOf(event.step) === undefined) this.done.push(event.step);
        return;
      case 'ForwardEnded':
        this.pending.clear();
        this.active.clear();
        return;
      case 'RollbackStarted':
        this.isRollingBack = true;
        this.isWaitingForDecision = false;
        this.pending.clear();
        for (const step of event.steps) this.#expect(step);
        return;
      case 'RollbackEnded':
      case 'RollbackRefused':
      case 'ExecutionEnded':
        this.isRollingBack = false;
        this.isWaitingForDecision = false;
        this.pending.clear();
        this.active.clear();
        return;
      case 'AttemptFailed':
      case 'NotifyFailed':
      case 'StateLooked':
      case 'RollbackRepeated':
      case 'OutdatedLookedFor':
      case 'TurnStarted':
      case 'TurnEnded':
      case 'PassStarted':
      case 'LocksTaken':
      case 'LocksRefused':
      case 'LocksReleased':
        return;
      default:
        event satisfies never;
    }
  }

  widen(targets: readonly string[]): void {
    this.targetWidth = Math.min(targetWidthMax, Math.max(this.targetWidth, targetsText(targets).length));
  }

  #expect(name: string): void {
    this.pending.add(name);
    this.nameWidth = Math.min(nameWidthMax, Math.max(this.nameWidth, name.length));
  }

  #begin(path: string, startedAt: number, targets: readonly string[], isUndo: boolean): void {
    this.pending.delete(path);
    this.widen(targets);
    this.active.set(path, { path, startedAt, targets, isUndo, waiting: null });
  }

  #wait(path: string, waiting: Waiting): void {
    const step = this.active.get(path);
    if (step !== undefined) this.active.set(path, { ...step, waiting });
  }
}
