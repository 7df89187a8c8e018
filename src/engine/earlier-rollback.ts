/**
 * What a rollback that an earlier version began is held to: a journal is answered in the order in which it was written.
 * Then restore points went in the order of the steps, and a verdict of the forward flow let them go.
 */
import type { Reference } from '../document/index.ts';
import type { Execution, StepRecord } from './execution.ts';
import { isClean, needsUndo } from './restore-points.ts';
import type { RollbackRequest } from './types.ts';

/** Whether the rollback may have begun before restore points went last. */
export function isOfEarlierVersion(execution: Execution, request: RollbackRequest): boolean {
  return execution.program.interpreter === 1 && request.interpreter === undefined;
}

/** Why the restore points of the step stayed, whatever was said of the data. */
export function hadReasonToKeep(execution: Execution, record: StepRecord): string | null {
  const unclean = laterThan(execution, record).find((other) => needsUndo(other) && !isClean(other.undo));
  if (unclean !== undefined) return `the undo of ${unclean.path} did not end clean`;
  return record.used.length > 0 ? `${record.used.join(', ')} was put back into use` : null;
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

const laterThan = ({ began }: Execution, record: StepRecord) => began.slice(began.indexOf(record) + 1);
