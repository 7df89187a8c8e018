/** What an execution leaves in the world, for the execution above it. */
import { netChanges } from './account/net-changes.ts';
import { targetsInInputs } from './account/targets-in-inputs.ts';
import type { Change, Ran } from './events.ts';
import type { Execution } from './execution.ts';
import { hasTouched, isClean } from './needs-undo.ts';
import { allActing } from './on-hosts.ts';
import { ranTogether } from './ran-together.ts';
import type { StepRecord } from './records.ts';
import type { ExecutionResult } from './result.ts';

export function standing({ began }: Execution): Pick<ExecutionResult, 'changes' | 'acted' | 'byWord'> {
  const acting = allActing(began);
  const touched = acting.filter(hasTouched);
  const open = touched.filter(({ undo }) => undo === null || !isClean(undo));
  // What needs no undo by its author's word is still there when all the others are undone.
  const byWord = touched.filter((record) => !open.includes(record) && isByWord(record));
  const changes = netChanges([...open, ...byWord].flatMap(changesOf));
  const isUnsure = open.some(mayHaveDoneMore);
  const ran = ranTogether(acting.flatMap(ranIn));
  return {
    changes,
    acted: isUnsure ? 'unknown' : open.length + changes.length > 0 ? 'yes' : 'no',
    ...(ran.length === 0 ? {} : { byWord: ran }),
  };
}

/** These are still there whatever took the others back. No rollback has anything to do for them, so they are not told as having acted. */
function ranIn(record: StepRecord): readonly Ran[] {
  const { path, children = [], host, inputs, result } = record;
  const below = children
    .flatMap(({ byWord = [] }) => byWord)
    .map((ran) => ({ ...ran, step: `${path}/${ran.step}` }));
  if (!isByWord(record) || !hasTouched(record)) return below;
  const isUnsure = mayHaveDoneMore(record);
  if (!isUnsure && (result?.changes.length ?? 0) > 0) return below;
  const told = host === undefined ? (result?.targets ?? []) : [host.name];
  const targets = told.length > 0 ? told : targetsInInputs(inputs ?? {});
  return [{ step: path, targets, ...(isUnsure ? { isUnsure } : {}) }, ...below];
}

const isByWord = ({ step }: StepRecord): boolean => step.undo.kind === 'none';

/** No rollback of the execution above takes back what this one's author wants to stay. */
function changesOf(record: StepRecord): readonly Change[] {
  const changes = record.result?.changes ?? [];
  return isByWord(record) ? changes.map((change) => ({ ...change, isForGood: true })) : changes;
}

/** It did not come to its end, or cannot tell what it changed. */
function mayHaveDoneMore(record: StepRecord): boolean {
  const { status, descriptor, result, children, hasEnded } = record;
  const { undo } = descriptor;
  if (children !== undefined) return children.some(({ acted }) => acted === 'unknown');
  if (isByWord(record)) return status !== 'Success' && !hasEnded;
  if (status !== 'Success') return true;
  return undo.kind === 'none' && undo.leavesChange && (result?.changes.length ?? 0) === 0;
}
