/**
 * When a restore point may be removed: last. What may remove one is undone after everything else of its rollback, and it
 * is held back while any other undo has not succeeded, while the restore point was put back into use, and, in an undo
 * list of the author's, until the data was judged sound in this very rollback, after the last change that it made
 * (docs/decisions/0004). What the forward flow found out is old by then and counts only against the removal.
 */
import type { JsonObject } from '../json.ts';
import type { Execution, StepRecord } from './execution.ts';
import type { StepResult } from './run-step.ts';
import type { UndoResult } from './statuses.ts';

export const isClean = (result: UndoResult | null): boolean =>
  result === 'undone' || result === 'nothingToDo' || result === 'kept';

/** Whether the step may have changed the world. */
export function hasTouched(record: StepRecord): boolean {
  return record.attempts.length > 0;
}

/**
 * Whether undoing the step needs anything at all. What cannot be taken back and leaves the world as it was, an alert
 * that was sent or a datum that was counted, needs nothing: a run that only spoke has nothing to roll back.
 */
export function needsUndo(record: StepRecord): boolean {
  if (record.step.undo.kind === 'steps' && record.descriptor.effect === 'read')
    return record.status === 'Success';
  if (record.step.undo.kind === 'steps') return hasTouched(record);
  const { undo } = record.descriptor;
  const isNoChange = undo.kind === 'notNeeded' || (undo.kind === 'none' && !undo.leavesChange);
  return hasTouched(record) && !isNoChange;
}

/** How the undo of the step may remove a restore point: by its author's list, by what its action knows, or not at all. */
function removal(execution: Execution, { step, planPath, descriptor }: StepRecord): 'list' | 'action' | null {
  if (step.undo.kind === 'auto') return descriptor.undo.kind === 'restorePoint' ? 'action' : null;
  if (step.undo.kind === 'none') return null;
  const removes = step.undo.steps.some(
    ({ name }) => execution.descriptor(`${planPath}/undo/${name}`).removesRestorePoints !== null,
  );
  return removes ? 'list' : null;
}

/**
 * The order of a rollback: last first, and what may remove restore points at the end, lists before actions. Of a turn's
 * steps that is the end of the turn, before the next target is touched.
 */
export function withRestorePointsLast(
  execution: Execution,
  records: readonly StepRecord[],
): readonly StepRecord[] {
  const ways = new Map(records.map((record) => [record, removal(execution, record)]));
  const removers = (turn: StepRecord['turn']) =>
    (['list', 'action'] as const).flatMap((way) =>
      records.filter((record) => record.turn === turn && ways.get(record) === way),
    );
  const ordered = records.flatMap((record, index) => {
    const { turn } = record;
    const isLastOfTurn = turn !== null && !records.slice(index + 1).some((other) => other.turn === turn);
    return [...(ways.get(record) === null ? [record] : []), ...(isLastOfTurn ? removers(turn) : [])];
  });
  return [...ordered, ...removers(null)];
}

/** Why the restore points `ids` stay at the undo of `record`, whatever is said of the data; null when they may go. */
export function reasonToKeep(
  execution: Execution,
  record: StepRecord,
  ids: readonly string[],
): string | null {
  const owed = execution.began.filter((other) => holdsBack(execution, record, other));
  const unclean = owed.find(({ undo }) => undo !== null) ?? owed[0];
  if (unclean !== undefined)
    return unclean.undo === null
      ? `${unclean.path} is not undone yet`
      : `the undo of ${unclean.path} did not end clean`;
  const used = execution.began.flatMap((each) => each.used).filter((id) => ids.includes(id));
  return used.length > 0 ? `${used.join(', ')} was put back into use` : null;
}

/** Whether the undo of the other step is needed before the restore points of `record` may go, and has not succeeded. */
function holdsBack(execution: Execution, record: StepRecord, other: StepRecord): boolean {
  if (other === record || !needsUndo(other) || isClean(other.undo)) return false;
  const { began } = execution;
  const isLater = began.indexOf(other) > began.indexOf(record);
  // What another target has earlier is no business of this one's.
  if (record.turn !== null && other.turn !== null && other.turn !== record.turn && !isLater) return false;
  // What only removes its own restore point waits for this one as this one would for it.
  return isLater || other.undo !== null || removal(execution, other) !== 'action';
}

/** By which path the forward flow last judged the data hurt, if that was its last word. */
export function judgedHurtBy(execution: Execution, record: StepRecord): string | null {
  const later = execution.began.slice(execution.began.indexOf(record) + 1);
  const last = later.findLast(
    ({ descriptor, result }) =>
      descriptor.verdict !== null && typeof result?.outputs[descriptor.verdict] === 'boolean',
  );
  if (last?.descriptor.verdict === undefined || last.descriptor.verdict === null) return null;
  return last.result?.outputs[last.descriptor.verdict] === false ? last.path : null;
}

/** What one rollback has found out about the data. Whatever it changes afterwards makes that old. */
export class Judgement {
  #isSound: boolean | null = null;

  /** A step of an undo list has ended. `own`: the list's steps that gave outputs, by name. */
  heard(
    { descriptor, result }: StepRecord,
    { status, decidedBy }: StepResult,
    own: ReadonlyMap<string, JsonObject>,
    judges: ReadonlySet<string>,
  ): void {
    const { verdict, effect, flow, removesRestorePoints } = descriptor;
    if (verdict !== null) {
      const said = result?.outputs[verdict];
      this.#isSound = typeof said === 'boolean' ? said : null;
    } else if (flow === 'branch' && status === 'Success') {
      // An author may ask in words of his own; who gives verdicts and gave none is not asked through a branch.
      const isTold = decidedBy.some(
        (reference) => reference.kind === 'output' && own.has(reference.step) && !judges.has(reference.step),
      );
      if (isTold) this.#isSound ??= true;
    } else if (flow === null && effect !== 'read' && removesRestorePoints === null) this.forget();
  }

  forget(): void {
    this.#isSound = null;
  }

  /** Why a list may not remove restore points now; null when it may. */
  get objection(): string | null {
    if (this.#isSound === true) return null;
    return this.#isSound === null ? 'nothing has judged the data' : 'the data was not judged sound';
  }
}

export function idsIn(inputs: JsonObject | null, key: string | null): string[] {
  const value = key === null ? undefined : inputs?.[key];
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((id) => typeof id === 'string') : [];
}

/** Remembers, at the step that made them, which restore points were put back into use. */
export function markUsed(execution: Execution, ids: readonly string[]): void {
  for (const record of execution.began) {
    for (const { id } of record.result?.restorePoints ?? []) {
      if (ids.includes(id) && !record.used.includes(id)) record.used.push(id);
    }
  }
}
