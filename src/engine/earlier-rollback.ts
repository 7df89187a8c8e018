/**
 * What a rollback that an earlier version began is held to: a journal is answered in the order in which it was written.
 * Then restore points went in the order of the steps, and a verdict of the forward flow let them go.
 */
import type { Reference } from '../document/index.ts';
import type { Execution } from './execution.ts';
import type { StepRecord } from './records.ts';
import type { RollbackRequest } from './types.ts';
import { isClean, needsUndo } from './needs-undo.ts';

/** Whether the rollback may have begun before restore points went last. */
export function isOfEarlierVersion({ program }: Execution, request: RollbackRequest): boolean {
  return program.interpreter === 1 && request.interpreter === undefined;
}

/** Why the restore points of the step stayed, whatever was said of the data. */
export function hadReasonToKeep(execution: Execution, record: StepRecord): string | null {
  const unclean = laterThan(execution, record).find((other) => needsUndo(other) && !isClean(other.undo));
  if (unclean !== undefined) return `the undo of ${unclean.path} did not end clean`;
  const ids = (record.result?.restorePoints ?? []).map(({ id }) => id);
  const used = ids.filter((id) => execution.used.has(id));
  return used.length > 0 ? `${used.join(', ')} was put back into use` : null;
}

/** Whether nothing had judged the data. */
export function hadNoVerdict(
  execution: Execution,
  record: StepRecord,
  decidedBy: readonly Reference[],
): string | null {
  const later = laterThan(execution, record);
  const judged = later.some(
    ({ descriptor, result }) => descriptor.verdict !== null && result?.outputs[descriptor.verdict] === true,
  );
  const names = new Set<string>(later.map(({ step }) => step.name));
  const isDecided = decidedBy.some((reference) => reference.kind === 'output' && names.has(reference.step));
  return judged || isDecided ? null : 'nothing has judged the data';
}

const laterThan = ({ began }: Execution, record: StepRecord) => began.slice(record.index + 1);
