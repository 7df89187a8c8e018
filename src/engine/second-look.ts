/**
 * A look right after an undo says how things are then. An undo that comes later may change them again: a package that goes
 * back may take a file along. So what was put back is looked at once more when everything is back, where a later undo
 * worked on the same target. That it is another state then is not a failure: the step in between may have made what the step
 * found before it. But nobody may say any more that it is as it was, so that is told.
 */
import { isBeforeOwn } from './drift.ts';
import type { Looked } from './events.ts';
import type { Frame } from './frame.ts';
import { leastSure } from './left.ts';
import { actingRecords, lookAtEach, looksAtOnceMax, sideBySide } from './on-hosts.ts';
import type { StepRecord } from './records.ts';
import { look, type Seen } from './seen-again.ts';
import type { Traces } from './traces.ts';
import type { UndoEnding } from './undo-step.ts';

interface PutBack {
  readonly ending: UndoEnding;
  /** A later undo may have changed it. */
  isTouched: boolean;
}

/** What one rollback has put back and seen. */
export class SecondLook {
  readonly #putBack = new Map<StepRecord, PutBack>();
  /** Those that no undo has touched since, by target; under null, those of which nobody knows the target. */
  readonly #untouched = new Map<string | null, Set<PutBack>>();

  /** Called after each undo, in the order in which they ended. */
  undone(record: StepRecord, ending: UndoEnding): void {
    const targets = targetsOf(record, ending);
    if (mayHaveActed(ending))
      this.#touch(targets.length === 0 ? [...this.#untouched.keys()] : [null, ...targets]);
    this.#putBack.delete(record);
    if (ending.looked !== 'asBefore') return;
    const seen = { ending, isTouched: false };
    this.#putBack.set(record, seen);
    for (const target of targets.length === 0 ? [null] : targets)
      this.#untouched.set(target, (this.#untouched.get(target) ?? new Set()).add(seen));
  }

  #touch(targets: readonly (string | null)[]): void {
    for (const target of targets) {
      for (const seen of this.#untouched.get(target) ?? []) seen.isTouched = true;
      this.#untouched.delete(target);
    }
  }

  #where(record: StepRecord): string {
    const ending = this.#putBack.get(record)?.ending;
    return JSON.stringify(ending === undefined ? [] : targetsOf(record, ending));
  }

  /** When everything is back. */
  async atTheEnd(frame: Frame, traces: Traces): Promise<void> {
    const touched = [...this.#putBack].flatMap(([record, { isTouched }]) => (isTouched ? [record] : []));
    const found = new Map<StepRecord, Seen>();
    // One after the other on the same target: a runner that is killed again and again gets on by a look at a time.
    const byTarget = Map.groupBy(touched, (record) => this.#where(record)).values();
    await sideBySide(
      frame,
      `${frame.idPrefix}onceMore`,
      [...byTarget],
      looksAtOnceMax,
      async (lane, records) => {
        for (const record of records) found.set(record, await lookOnceMore(lane, traces, record));
      },
    );
    for (const record of touched) {
      const [ending, seen] = [this.#putBack.get(record)?.ending, found.get(record)];
      if (ending === undefined || seen === undefined || seen.found === 'asBefore') continue;
      const again = seen.difference === '' ? '' : `a later undo changed it again: ${seen.difference}`;
      const note = [ending.note, again].filter((part) => part !== '').join('; ');
      await frame.emit({ type: 'UndoStarted', step: record.path, action: record.step.action });
      await frame.emit({ type: 'UndoEnded', step: record.path, ...ending, note, looked: seen.found });
    }
  }
}

/** Of a step over many hosts at each on which it was undone; the first difference is told. */
async function lookOnceMore(frame: Frame, traces: Traces, record: StepRecord): Promise<Seen> {
  const looked: Looked[] = [];
  const differences: string[] = [];
  const undone = new Set(actingRecords(record).filter(({ undo }) => undo !== null && undo !== 'kept'));
  const id = `${frame.idPrefix}onceMore/`;
  await lookAtEach(frame, record, `${id}${record.path}`, async (lane, own) => {
    if (!undone.has(own)) return;
    const isFine = (state: Parameters<typeof isBeforeOwn>[2]): boolean => isBeforeOwn(traces, own, state);
    const { found, difference } = await look(lane, own, `${id}${own.path}/`, isFine);
    looked.push(found);
    if (found === 'different')
      differences.push(own.host === undefined ? difference : `${own.host.name} ${difference}`);
  });
  const found = looked.includes('different') ? 'different' : leastSure(looked);
  const more = differences.length > 1 ? ` and ${differences.length - 1} more` : '';
  return { found, difference: `${differences[0] ?? ''}${more}` };
}

/** One that failed may have acted all the same. */
const mayHaveActed = ({ result }: UndoEnding): boolean => result === 'undone' || result === 'failed';

/** What an undo told, else what the step had told. Empty: nobody knows. */
const targetsOf = (record: StepRecord, { targets }: UndoEnding): readonly string[] =>
  targets.length > 0 ? targets : (record.result?.targets ?? []);
