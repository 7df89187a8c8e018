/** Of a step over several hosts: the record that each host has, what they come to together, and how all of them are visited. */
import type { JsonObject } from '../json.ts';
import { sideBySideMax, type ErrorBudget } from '../document/index.ts';
import type { Frame } from './frame.ts';
import { nothingKnown, type StepRecord } from './records.ts';
import { Lanes } from './steps/lanes.ts';

/** Inputs that are of the step as a whole; its action never sees them. */
const ofTheStep: ReadonlySet<string> = new Set(['Hosts', 'MaxConcurrency', 'MaxErrors']);

/** Those that acted: one for each host that the step was begun on; of any other step itself. */
export function actingRecords(record: StepRecord): readonly StepRecord[] {
  return record.onHosts ?? [record];
}

/** Of all steps that began. */
export function allActing(began: readonly StepRecord[]): readonly StepRecord[] {
  return began.some(({ onHosts }) => onHosts !== undefined) ? began.flatMap(actingRecords) : began;
}

/** The step that a record belongs to, which is what people are told of. */
export function stepOf(record: StepRecord): StepRecord {
  return record.host?.of ?? record;
}

/** Begins it: on this host the step is one of a single host. */
export function recordOn(of: StepRecord, name: string): StepRecord {
  const own = Object.entries(of.inputs ?? {}).filter(([input]) => !ofTheStep.has(input));
  const inputs: JsonObject = { ...Object.fromEntries(own), Host: name };
  return {
    step: of.step,
    path: `${of.path}@${name}`,
    planPath: of.planPath,
    descriptor: of.descriptor,
    scope: of.scope,
    index: of.index,
    variables: of.variables,
    host: { of, name },
    inputs,
    ...nothingKnown(),
  };
}

/** Hosts that are only looked at, at the same time. */
export const looksAtOnceMax = 64;

/** Visits all of them, so many at once; the same on every replay. `id`: of the questions which of them goes on first. */
export async function sideBySide<T extends object>(
  frame: Frame,
  id: string,
  records: readonly T[],
  atOnce: number,
  visit: (frame: Frame, record: T) => Promise<void>,
): Promise<void> {
  const lanes = new Lanes(frame.runtime, id, { inStep: false });
  let launched = 0;
  let inFlight = 0;
  for (;;) {
    for (let next = records[launched]; next !== undefined && inFlight < atOnce; next = records[launched]) {
      launched += 1;
      inFlight += 1;
      const record = next;
      await lanes.start(async (runtime) => {
        await visit(frame.with({ runtime }), record);
        inFlight -= 1;
      });
    }
    if (inFlight === 0) return;
    await lanes.untilOneEnds();
  }
}

/** Looks at each host of the step that `wanted` names; of any other step at the step itself. */
export async function lookAtEach(
  frame: Frame,
  record: StepRecord,
  id: string,
  look: (frame: Frame, record: StepRecord) => Promise<void>,
): Promise<void> {
  if (record.onHosts === undefined) return look(frame, record);
  await sideBySide(frame, id, record.onHosts, looksAtOnceMax, look);
}

/** How many hosts of the step are undone at once: never more than were acted on at once. */
export function undoneAtOnce(budget: ErrorBudget | undefined): number {
  return budget === undefined ? 1 : sideBySideMax(budget);
}
