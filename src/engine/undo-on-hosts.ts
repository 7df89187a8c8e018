/** The undo of a step over many hosts: each host's by itself, as many at once as were acted on at once, and told as one. */
import type { Failure } from './failure.ts';
import type { Frame } from './frame.ts';
import { leastSure } from './left.ts';
import { isClean, needsUndo } from './needs-undo.ts';
import { sideBySide, undoneAtOnce } from './on-hosts.ts';
import type { StepRecord } from './records.ts';
import { Judgement } from './restore-points.ts';
import type { UndoResult } from './statuses.ts';
import { eachText, namedText } from './host-texts.ts';
import type { UndoEnding } from './undo-step.ts';

type UndoOne = (frame: Frame, record: StepRecord) => Promise<UndoEnding>;

interface Undone {
  readonly record: StepRecord;
  readonly ending: UndoEnding;
}

/** Hosts whose undo is still owed, the one that was begun last first. `undo`: of one of them. */
export async function undoOnHosts(frame: Frame, record: StepRecord, undo: UndoOne): Promise<UndoEnding> {
  const owed = (record.onHosts ?? [])
    .filter((own) => needsUndo(own) && own.undo !== 'undone' && own.undo !== 'nothingToDo')
    .toReversed();
  return onEach(frame, `${frame.idOf(record)}/undo`, record, owed, async (lane, own) => {
    const ending = await undo(lane, own);
    own.undo = ending.result;
    return ending;
  });
}

/** Does something on some of the step's hosts, and tells of it as one. */
export async function onEach(
  frame: Frame,
  id: string,
  record: StepRecord,
  records: readonly StepRecord[],
  act: UndoOne,
): Promise<UndoEnding> {
  const undone: Undone[] = [];
  await sideBySide(frame, id, records, undoneAtOnce(record.budget), async (lane, own) => {
    undone.push({ record: own, ending: await act(lane.with({ rollback: ofHost(frame) }), own) });
  });
  return together(record, undone);
}

/** What a host's own undo list finds out about its data says nothing of another's. */
function ofHost({ rollback }: Frame): Frame['rollback'] {
  return rollback === null ? null : { ...rollback, judgement: new Judgement() };
}

/** What is worst decides: a step is undone when it is on every host. */
const worstFirst: readonly UndoResult[] = [
  'failed',
  'changedSince',
  'leftOver',
  'kept',
  'undone',
  'nothingToDo',
];

function together(record: StepRecord, undone: readonly Undone[]): UndoEnding {
  const needing = (record.onHosts ?? []).filter(needsUndo);
  // A host of which an earlier rollback has spoken last counts as well.
  const results = new Set([...undone.map(({ ending }) => ending.result), ...needing.map(({ undo }) => undo)]);
  const result = worstFirst.find((one) => results.has(one)) ?? 'nothingToDo';
  const decisive = undone.filter(({ ending }) => ending.result === result);
  const stands = needing.filter(({ undo }) => !isClean(undo)).map(nameOf);
  return {
    result,
    reason: reasonOf(result, decisive, needing.length),
    failure: result === 'failed' ? failureOf(decisive, stands, needing.length) : null,
    changes: undone.flatMap(({ ending }) => ending.changes),
    targets: undone.map((one) => nameOf(one.record)),
    note: noteOf(undone),
    ...lookedAt(undone),
    ...(isClean(result) ? {} : { standsOn: stands }),
  };
}

/** What the looks right after them found; nothing where somewhere nobody looked. */
function lookedAt(undone: readonly Undone[]): Pick<UndoEnding, 'looked'> {
  const looked = undone.flatMap(({ ending }) => ending.looked ?? []);
  return looked.length === 0 || looked.length < undone.length ? {} : { looked: leastSure(looked) };
}

const nameOf = ({ host, path }: StepRecord): string => host?.name ?? path;

/** The one reason of all, or each with its host. */
function reasonOf(result: UndoResult, decisive: readonly Undone[], total: number): string {
  if (result === 'failed') return '';
  const reasons = new Set(decisive.map(({ ending }) => ending.reason));
  if (reasons.size > 1)
    return eachText(decisive.map(({ record, ending }) => [nameOf(record), ending.reason]));
  const [only = ''] = reasons;
  if (only === '' || isClean(result) || decisive.length === total) return only;
  return `${only} (on ${namedText(decisive.map(({ record }) => nameOf(record)))})`;
}

function failureOf(decisive: readonly Undone[], stands: readonly string[], total: number): Failure {
  const failures = decisive.flatMap(({ ending }) => (ending.failure === null ? [] : [ending.failure]));
  const said = eachText(
    decisive.map(({ record, ending }) => [nameOf(record), ending.failure?.message ?? 'it failed']),
  );
  return {
    code: failures[0]?.code ?? 'UNDO_FAILED',
    message: `not undone on ${stands.length} of ${total} hosts (${said === '' ? namedText(stands) : said})`,
    retryable: failures.every(({ retryable }) => retryable),
  };
}

/** What all of them say, or each with its host. */
function noteOf(undone: readonly Undone[]): string {
  const said = undone.filter(({ ending }) => ending.note !== '');
  const notes = new Set(said.map(({ ending }) => ending.note));
  const [first = ''] = notes;
  if (notes.size <= 1) return first;
  return eachText(said.map(({ record, ending }) => [nameOf(record), ending.note]));
}
