/**
 * The way down over a rolling's targets: newest first, never more of them at once than on the way up, and with the gate as on
 * the way up. A target that had come through its turn is only touched while the gate is open; the one whose turn failed is
 * not asked for first, it is what the gate would complain of. After each target the gate is asked before a further one is
 * touched. A gate that does not hold, or a target that is half undone, closes the rolling.
 */
import type { Failure } from './failure.ts';
import type { Frame } from './frame.ts';
import type { StepRecord, TurnScope } from './records.ts';
import { Judgement } from './restore-points.ts';
import { runGate } from './steps/gate.ts';
import { Lanes } from './steps/lanes.ts';
import { turnsAtOnceMax } from './steps/rolling.ts';
import { unmetBefore } from './undo-needs.ts';

/** One target, with the steps of its turn in the order in which they are undone. */
export interface Descent {
  readonly turn: TurnScope;
  readonly records: readonly StepRecord[];
}

export interface Undoing {
  /** Asked before the step is touched. A failure: it must not be. */
  readonly enter: () => Promise<Failure | null>;
  /** Called when the step was undone, or was not to be. */
  readonly leave: () => Promise<void>;
}

export type Undo = (frame: Frame, record: StepRecord, undoing: Undoing) => Promise<void>;

export async function climbDown(frame: Frame, descents: readonly Descent[], undo: Undo): Promise<void> {
  const [first] = descents;
  if (first === undefined) return;
  const { of, targets } = first.turn;
  const lanes = new Lanes(frame.runtime, `${frame.idOf(of)}:down`, { inStep: false });
  const atOnce = turnsAtOnceMax(of, targets.length);
  let closed: Failure | null = null;
  let launched = 0;
  let inFlight = 0;
  const descend = async (lane: Frame, { turn, records }: Descent): Promise<void> => {
    let refused: Failure | null = null;
    for (const [index, record] of records.entries()) {
      const isLast = index === records.length - 1;
      await undo(lane, record, {
        enter: async () => {
          if (index === 0) refused = closed ?? (await closedBefore(lane, turn, record));
          closed ??= refused;
          return refused;
        },
        leave: async () => {
          if (!isLast || refused !== null || launched === descents.length) return;
          closed ??= await closedBehind(lane, turn, record);
        },
      });
    }
    inFlight -= 1;
  };
  for (;;) {
    for (let next = descents[launched]; next !== undefined && inFlight < atOnce; next = descents[launched]) {
      launched += 1;
      inFlight += 1;
      const descent = next;
      await lanes.start((runtime) => descend(frame.with({ runtime, rollback: ofTarget(frame) }), descent));
    }
    if (inFlight === 0) return;
    await lanes.untilOneEnds();
  }
}

/** What a target's own list finds out about its data says nothing of another's. */
function ofTarget({ rollback }: Frame): Frame['rollback'] {
  return rollback === null ? null : { ...rollback, judgement: new Judgement() };
}

async function closedBefore(lane: Frame, turn: TurnScope, record: StepRecord): Promise<Failure | null> {
  // Came through its turn, and nothing of it has been undone yet.
  const isWhole = turn.isDone && !turn.isTouched;
  return isWhole ? ask(lane, turn, 'before', record) : null;
}

async function closedBehind(lane: Frame, turn: TurnScope, record: StepRecord): Promise<Failure | null> {
  return unmetBefore(turn) ?? (await ask(lane, turn, 'after', record));
}

async function ask(
  lane: Frame,
  turn: TurnScope,
  when: 'before' | 'after',
  record: StepRecord,
): Promise<Failure | null> {
  const scope = { kind: 'undo', outputs: new Map(), parent: turn, of: record } as const;
  const { status, failure } = await runGate(
    lane.with({ scope }),
    turn,
    when,
    `${record.path}/undo/gate-${when}/`,
  );
  if (status === 'Success') return null;
  return failure ?? { code: 'GATE_CLOSED', message: `the gate ended ${status}`, retryable: true };
}
