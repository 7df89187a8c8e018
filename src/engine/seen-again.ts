/** After an undo that ended well the state is read once more: whether it is as before the step is seen, not concluded. */
import { sinceBefore } from './drift.ts';
import type { Frame } from './frame.ts';
import { observe } from './observe.ts';
import type { Json } from '../json.ts';
import type { StepRecord } from './records.ts';
import type { UndoEnding } from './undo-step.ts';

/** One that left another state has not undone the step, whatever it told: what builds on it, as a restore point, stays. */
export async function seen(frame: Frame, record: StepRecord, ending: UndoEnding): Promise<UndoEnding> {
  const { descriptor, step, before } = record;
  const isDone = ending.result === 'undone' || ending.result === 'nothingToDo';
  if (!isDone || descriptor.putsBack === undefined || step.undo.kind !== 'auto') return ending;
  if (descriptor.undo.kind !== 'restore' || before === null) return ending;
  const { found, difference } = await look(frame, record, `${frame.idOf(record)}/undone`);
  if (found !== 'different') return { ...ending, looked: found };
  const message = `its undo ended, and what was read afterwards is not as it was before: ${difference}`;
  return {
    ...ending,
    result: 'failed',
    reason: '',
    failure: { code: 'NOT_AS_BEFORE', message, retryable: false },
    looked: found,
  };
}

export type Seen = ReturnType<typeof sinceBefore>;

/**
 * A service may show for a moment what was so before: another state is believed only when it stays. `id`: of the looks.
 * `isFine`: whether another state than the one before is as good.
 */
export async function look(
  frame: Frame,
  record: StepRecord,
  id: string,
  isFine: (found: Json) => boolean = () => false,
): Promise<Seen> {
  for (let tries = 0; ; tries += 1) {
    const found = await observe(frame, record, `${id}${tries}`);
    const seen = sinceBefore(record, found);
    if (seen.found !== 'different') return seen;
    if (found !== undefined && isFine(found)) return { found: 'asBefore', difference: '' };
    const ms = pausesMs[tries];
    if (ms === undefined) return seen;
    if ((await frame.sleep(`${id}${tries}:pause`, frame.within(ms))) === 'cancelled') return seen;
  }
}

/** Between one look and the next. */
const pausesMs = [1_000, 3_000];
