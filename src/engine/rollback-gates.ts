/**
 * The gates of rollings on the way down. A target that is climbed down from must hold again before the next one is
 * touched, and a target that had come through its turn is only touched while the gate is open. The target whose turn
 * failed is not asked for first: it is what the gate would complain of. A target of which an undo failed closes the
 * rolling, whatever the gate says.
 */
import type { Failure } from './failure.ts';
import type { Frame } from './frame.ts';
import { turnOf, type StepRecord, type TurnScope } from './records.ts';
import { runGate } from './steps/gate.ts';
import { unmetBefore } from './undo-needs.ts';

export class RollbackGates {
  readonly #frame: Frame;
  #turn: TurnScope | null = null;
  /** Rollings of which no further target may be touched, and why. */
  readonly #closed = new Map<StepRecord, Failure>();
  /** The turn that was under way when its rolling was closed: the rest of it is undone all the same. */
  readonly #refused = new Map<TurnScope, Failure>();

  constructor(frame: Frame) {
    this.#frame = frame;
  }

  /** Asked before each undo. A failure: the step's target must not be touched now. */
  async entering(record: StepRecord): Promise<Failure | null> {
    const turn = turnOf(record);
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

  async #ask(record: StepRecord, turn: TurnScope, left: TurnScope | null): Promise<Failure | null> {
    const unmet = left?.of === turn.of ? unmetBefore(left) : null;
    if (unmet !== null) return unmet;
    // Came through its turn, and nothing of it has been undone yet.
    const isWhole = turn.isDone && !turn.isTouched;
    const asked = [...(left?.of === turn.of ? [left] : []), ...(isWhole ? [turn] : [])];
    for (const [index, one] of asked.entries()) {
      const scope = { kind: 'undo', outputs: new Map(), parent: one, of: record } as const;
      const path = `${record.path}/undo/gate${index + 1}/`;
      const { status, failure } = await runGate(this.#frame.with({ scope }), one, 'after', path);
      if (status !== 'Success')
        return failure ?? { code: 'GATE_CLOSED', message: `the gate ended ${status}`, retryable: true };
    }
    return null;
  }
}
