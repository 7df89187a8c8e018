/** What an execution leaves in the world, for the execution above it. */
import { netChanges } from './account/net-changes.ts';
import type { Execution } from './execution.ts';
import { hasTouched, isClean } from './needs-undo.ts';
import { allActing } from './on-hosts.ts';
import type { StepRecord } from './records.ts';
import type { ExecutionResult } from './result.ts';

export function standing({ began }: Execution): Required<Pick<ExecutionResult, 'changes' | 'acted'>> {
  const left = allActing(began).filter(
    (record) => hasTouched(record) && (record.undo === null || !isClean(record.undo)),
  );
  return {
    changes: netChanges(left.flatMap(({ result }) => result?.changes ?? [])),
    acted: left.length === 0 ? 'no' : left.some(mayHaveDoneMore) ? 'unknown' : 'yes',
  };
}

/** It did not come to its end, or cannot tell what it changed. */
function mayHaveDoneMore({ status, descriptor: { undo }, result, step, children }: StepRecord): boolean {
  if (children !== undefined) return children.some(({ acted }) => acted === 'unknown');
  if (status !== 'Success') return true;
  if (step.undo.kind === 'none') return false;
  return undo.kind === 'none' && undo.leavesChange && (result?.changes.length ?? 0) === 0;
}
