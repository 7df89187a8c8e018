/**
 * When a restore point may be removed: last. What may remove one is undone after everything else of its rollback, and it
 * is held back while any other undo has not succeeded, while the restore point was put back into use, and, in an undo
 * list of the author's, until the data was judged sound in this very rollback, after the last change that it made
 * (docs/decisions/0004). What the forward flow found out is old by then and counts only against the removal.
 */
import type { JsonObject } from '../json.ts';
import type { Ending } from './endings.ts';
import type { Execution } from './execution.ts';
import { Owed } from './owed.ts';
import type { StepRecord } from './records.ts';
import type { Program } from './types.ts';
import { removalOf } from './needs-undo.ts';

/** What one rollback knows. */
export interface RollbackState {
  readonly owed: Owed;
  /** Of the data: each target of a rolling has its own. */
  readonly judgement: Judgement;
  /** Although the present state differs from the one that the run left. */
  readonly force: boolean;
  /** The last step of the forward flow that gave a verdict; null: none. */
  readonly lastJudged: StepRecord | null;
}

export function rollbackState({ program, began }: Execution, force = false): RollbackState {
  const lastJudged = began.findLast((record) => verdictOf(record) !== null) ?? null;
  return { owed: new Owed(program, began), judgement: new Judgement(), force, lastJudged };
}

/** The order in which they are undone: as given, and what may remove restore points at the end, lists before actions. */
export function withRestorePointsLast(
  program: Program,
  records: readonly StepRecord[],
): readonly StepRecord[] {
  const byWay = Map.groupBy(records, (record) => removalOf(program, record));
  return [null, 'list' as const, 'action' as const].flatMap((way) => byWay.get(way) ?? []);
}

/** Why the restore points `ids` stay at the undo of `record`, whatever is said of the data; null when they may go. */
export function reasonToKeep(
  { used }: Execution,
  { owed }: RollbackState,
  record: StepRecord,
  ids: readonly string[],
): string | null {
  const other = owed.before(record);
  if (other !== undefined)
    return other.undo === null
      ? `${other.path} is not undone yet`
      : `the undo of ${other.path} did not end clean`;
  const inUse = ids.filter((id) => used.has(id));
  return inUse.length > 0 ? `${inUse.join(', ')} was put back into use` : null;
}

/** By which path the forward flow last judged the data hurt, if that was its last word and came after the step. */
export function judgedHurtBy({ lastJudged }: RollbackState, record: StepRecord): string | null {
  if (lastJudged === null || lastJudged.index < record.index) return null;
  return verdictOf(lastJudged) === false ? lastJudged.path : null;
}

/** What the step said of the data: true sound, false hurt; null: nothing. */
function verdictOf({ descriptor: { verdict }, result }: StepRecord): boolean | null {
  const said = verdict === null ? undefined : result?.outputs[verdict];
  return typeof said === 'boolean' ? said : null;
}

/** What a rollback has found out about the data. Whatever it changes afterwards makes that old. */
export class Judgement {
  #isSound: boolean | null = null;

  /** A step of an undo list has ended. `own`: the list's steps that gave outputs, by name. */
  heard(
    record: StepRecord,
    ending: Ending,
    own: ReadonlyMap<string, JsonObject>,
    judges: ReadonlySet<string>,
  ): void {
    const { verdict, effect, flow, removesRestorePoints } = record.descriptor;
    if (verdict !== null) this.#isSound = verdictOf(record);
    else if (flow === 'branch' && ending.status === 'Success') {
      // An author may ask in words of his own; who gives verdicts and gave none is not asked through a branch.
      const isTold = ending.decidedBy.some(
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
