/**
 * The gates of rollings on the way down. A target that is climbed down from must hold again before the next one is
 * touched, and a target that had come through its turn is only touched while the gate is open. The target whose turn
 * failed is not asked for first: it is what the gate would complain of. A target of which an undo failed closes the
 * rolling, whatever the gate says.
 */
import type { Execution, Mode, StepRecord, Turn } from './execution.ts';
import type { Failure } from './failure.ts';
import { runGate } from './steps/gate.ts';
import { unmetBefore } from './undo-needs.ts';

export class RollbackGates {
  readonly #execution: Execution;
  readonly #mode: Mode;
  #turn: Turn | null = null;
  /** Rollings of which no further target may be touched, and why. */
  readonly #closed = new Map<StepRecord, Failure>();
  /** The turn that was under way when its rolling was closed: the rest of it is undone all the same. */
  readonly #refused = new Map<Turn, Failure>();

  constructor(execution: Execution, mode: Mode) {
    this.#execution = execution;
    this.#mode = mode;
  }

  /** Asked before each undo. A failure: the step's target must not be touched now. */
  async entering(record: StepRecord): Promise<Failure | null> {
    const { turn } = record;
    const left = this.#turn;
    if (turn === left) return turn === null ? null : (this.#refused.get(turn) ?? null);
    this.#turn = turn;
    if (turn === null) return null;
    const closed = this.#closed.get(turn.of) ?? (await this.#ask(record, turn, left));
    if (closed === null) return null;
    this.#closed.set(turn.of, closed);
    this.#refused.set(turn, closed);
    return closed;
  }

  /** Came through its turn, and nothing of it has been undone yet. */
  #isWhole(turn: Turn): boolean {
    const { began } = this.#execution;
    return turn.isDone && began.every((record) => record.turn !== turn || record.undo === null);
  }

  async #ask(record: StepRecord, turn: Turn, left: Turn | null): Promise<Failure | null> {
    const unmet = left?.of === turn.of ? unmetBefore(this.#execution, left) : null;
    if (unmet !== null) return unmet;
    const asked = [...(left?.of === turn.of ? [left] : []), ...(this.#isWhole(turn) ? [turn] : [])];
    for (const [index, one] of asked.entries()) {
      const mode: Mode = {
        ...this.#mode,
        turn: one,
        undo: { of: { ...record, turn: one }, outputs: new Map() },
      };
      const path = `${record.path}/undo/gate${index + 1}/`;
      const { status, failure } = await runGate(this.#execution, one, { path }, mode);
      if (status !== 'Success')
        return failure ?? { code: 'GATE_CLOSED', message: `the gate ended ${status}`, retryable: true };
    }
    return null;
  }
}
