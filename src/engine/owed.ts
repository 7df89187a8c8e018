/** Steps whose undo is needed and has not succeeded yet, so that one question about all of them costs no look at each. */
import { IndexSet } from './index-set.ts';
import { turnOf, type StepRecord, type TurnScope } from './records.ts';
import type { Program } from './types.ts';
import { isClean, needsUndo, removalOf } from './needs-undo.ts';

export class Owed {
  readonly #program: Program;
  readonly #began: readonly StepRecord[];
  readonly #ofTurn: ReadonlyMap<TurnScope | null, readonly StepRecord[]>;
  /** Tried, and not undone. `main`: of those, the ones that are in no turn. */
  readonly #failed: IndexSet;
  readonly #mainFailed: IndexSet;
  /** Not tried. */
  readonly #waiting: IndexSet;
  /** Of those, the ones that do more than remove their own restore point. */
  readonly #firm: IndexSet;
  readonly #mainFirm: IndexSet;

  constructor(program: Program, began: readonly StepRecord[]) {
    this.#program = program;
    this.#began = began;
    const set = (): IndexSet => new IndexSet(began.length);
    [this.#failed, this.#mainFailed, this.#waiting, this.#firm, this.#mainFirm] = [
      set(),
      set(),
      set(),
      set(),
      set(),
    ];
    this.#ofTurn = Map.groupBy(began, turnOf);
    for (const record of began) this.tried(record);
  }

  /** To be told when something new is known of the step's undo. */
  tried(record: StepRecord): void {
    const { index, undo } = record;
    const isOwed = needsUndo(record) && !isClean(undo);
    const isMain = turnOf(record) === null;
    const isFirm = isOwed && undo === null && removalOf(this.#program, record) !== 'action';
    put(this.#failed, index, isOwed && undo !== null);
    put(this.#mainFailed, index, isMain && isOwed && undo !== null);
    put(this.#waiting, index, isOwed && undo === null);
    put(this.#firm, index, isFirm);
    put(this.#mainFirm, index, isMain && isFirm);
  }

  /**
   * The first step whose undo is needed before the restore points of this one may go, one that was tried before one that
   * was not. What another target has earlier is no business of this one's; and what only removes its own restore point
   * waits for this one as this one would for it.
   */
  before(record: StepRecord): StepRecord | undefined {
    const turn = turnOf(record);
    const own = turn === null ? [] : (this.#ofTurn.get(turn) ?? []).filter((other) => other !== record);
    const firstOwn = (set: IndexSet): number | undefined =>
      own.find(({ index }) => set.firstFrom(index) === index)?.index;
    const later = record.index + 1;
    const failed =
      turn === null
        ? [other(this.#failed, record)]
        : [this.#mainFailed.firstFrom(0), this.#failed.firstFrom(later), firstOwn(this.#failed)];
    const waiting =
      turn === null
        ? [this.#waiting.firstFrom(later), other(this.#firm, record)]
        : [this.#waiting.firstFrom(later), this.#mainFirm.firstFrom(0), firstOwn(this.#firm)];
    const found = least(failed) ?? least(waiting);
    return found === undefined ? undefined : this.#began[found];
  }
}

function put(set: IndexSet, index: number, isIn: boolean): void {
  if (isIn) set.add(index);
  else set.delete(index);
}

/** The first member that is not the record. */
function other(set: IndexSet, { index }: StepRecord): number | undefined {
  const first = set.firstFrom(0);
  return first === index ? set.firstFrom(index + 1) : first;
}

function least(indexes: readonly (number | undefined)[]): number | undefined {
  const known = indexes.filter((index) => index !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
