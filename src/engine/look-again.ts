/** A rollback of what is undone already: it claims nothing but what it sees now. */
import { isBeforeOwn, sinceBefore } from './drift.ts';
import type { Looked } from './events.ts';
import type { Frame } from './frame.ts';
import { needsUndo } from './needs-undo.ts';
import { leastSure } from './left.ts';
import { observe } from './observe.ts';
import { lookAtEach } from './on-hosts.ts';
import type { StepRecord } from './records.ts';
import { Traces } from './traces.ts';
import type { RollbackRequest } from './types.ts';

/** Tells of each step that was to be undone how its state differs from the one before it. Does nothing. */
export async function lookAgain(after: Frame, pass: number, request: RollbackRequest): Promise<void> {
  if (request.interpreter === undefined) return;
  const traces = new Traces(after.execution.began);
  const steps: { step: string; found: Looked; difference: string }[] = [];
  for (const record of after.execution.began) {
    // What its author wants to stay is told from the account, and is not a difference that anybody made.
    if (!needsUndo(record) || record.step.undo.kind === 'none') continue;
    if (request.step !== undefined && record.path !== request.step) continue;
    const seen: Seen[] = [];
    await lookAtEach(after, record, `rollback${pass}/again/${record.path}`, async (lane, own) => {
      if (!needsUndo(own)) return;
      const found = own.descriptor.observes
        ? await observe(lane, own, `rollback${pass}/again/${own.path}`)
        : undefined;
      const isFine = found !== undefined && isBeforeOwn(traces, own, found);
      seen.push({
        record: own,
        ...(isFine ? { found: 'asBefore', difference: '' } : sinceBefore(own, found)),
      });
    });
    steps.push({ step: record.path, ...together(seen) });
  }
  await after.emit({ type: 'RollbackRepeated', pass, steps });
}

type Seen = { readonly record: StepRecord; readonly found: Looked; readonly difference: string };

/** Of a step over many hosts the first that differ are named. */
function together(seen: readonly Seen[]): { readonly found: Looked; readonly difference: string } {
  const found = leastSure(seen.map((one) => one.found));
  const differences = seen
    .filter(({ difference }) => difference !== '')
    .map(({ record, difference }) =>
      record.host === undefined ? difference : `${record.host.name}: ${difference}`,
    );
  const more = differences.length - differencesMax;
  const shown = [...differences.slice(0, differencesMax), ...(more > 0 ? [`and ${more} more`] : [])];
  return { found, difference: shown.join('; ') };
}

/** Hosts of which a line tells how they differ. */
const differencesMax = 5;
