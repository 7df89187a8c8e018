/**
 * What an execution has seen and touched around its steps, made once for all questions of a rollback: which states of a thing
 * are its own work, and whether a later step may have changed a thing in a way that nobody can tell from another's work.
 */
import type { Json } from '../json.ts';
import { canonical } from './equality.ts';
import { allActing } from './on-hosts.ts';
import type { StepRecord } from './records.ts';

/** Inputs that name what a step is about. What else it wants of it may differ. */
const names = ['Host', 'Path', 'Name', 'Names', 'ResourceId', 'User', 'File'];

export class Traces {
  readonly #byThing: ReadonlyMap<string, readonly StepRecord[]>;
  /** The last step that may have changed anything on a target; under null, on any. */
  readonly #lastOpaque = new Map<string | null, number>();
  #lastOfAll = -1;

  constructor(began: readonly StepRecord[]) {
    const acting = allActing(began);
    this.#byThing = Map.groupBy(acting, thingOf);
    for (const record of acting) {
      if (!isOpaque(record)) continue;
      const targets = record.result?.targets ?? [];
      for (const target of targets.length === 0 ? [null] : targets)
        this.#lastOpaque.set(target, record.index);
      this.#lastOfAll = record.index;
    }
  }

  /** Every state of the same thing that was observed right before and right after a step. */
  statesOf(record: StepRecord): Json[] {
    return (this.#byThing.get(thingOf(record)) ?? []).flatMap(({ before, after }) => [
      before,
      ...(after === undefined ? [] : [after]),
    ]);
  }

  /** Whether a state is the one before a step that was undone: this one, or an earlier one that worked on the same thing. */
  isBefore(record: StepRecord, isState: (before: Json) => boolean): boolean {
    return (this.#byThing.get(thingOf(record)) ?? []).some(
      ({ index, undo, before }) =>
        index <= record.index && (undo === 'undone' || undo === 'nothingToDo') && isState(before),
    );
  }

  isBlurred({ index, result }: StepRecord): boolean {
    const own = result?.targets ?? [];
    if (own.length === 0) return this.#lastOfAll > index;
    return [null, ...own].some((target) => (this.#lastOpaque.get(target) ?? -1) > index);
  }
}

function thingOf({ step, inputs }: StepRecord): string {
  return canonical([step.action, ...names.map((name) => inputs?.[name] ?? null)]);
}

/** It acted, and can tell neither what it changed nor how it was before. */
function isOpaque({ step, descriptor, attempts }: StepRecord): boolean {
  const cannotTell =
    step.undo.kind === 'steps' || (descriptor.undo.kind === 'none' && step.undo.kind === 'auto');
  return cannotTell && attempts.length > 0;
}
