/**
 * What `windows.db` keeps as JSON, read strictly: a disk, a hand or another version may have written it. What does not fit is named and
 * not acted on; the run that it belongs to waits for a person, and no other does.
 */
import { Type, type Static } from 'typebox';
import { instant, JournalFailure, shape, type Fits, type OccurrenceRow } from '../../journal/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import {
  isEnded,
  reasonCodes,
  type Occurrence,
  type ReasonCode,
  type TaskContents,
} from '../../windows/index.ts';

const text = Type.String();
const count = Type.Number({ minimum: 0 });
const texts = Type.Array(text);
const status = Type.Enum([
  'PENDING',
  'IN_PROGRESS',
  'SUCCESS',
  'FAILED',
  'TIMED_OUT',
  'CANCELLING',
  'CANCELLED',
  'SKIPPED_OVERLAPPING',
  'SKIPPED',
]);
const reason = Type.Optional(
  Type.Object({ code: Type.Unsafe<ReasonCode>({ enum: Object.keys(reasonCodes) }), message: text }),
);
const share = Type.Union([
  Type.Object({ kind: Type.Literal('count'), count }),
  Type.Object({ kind: Type.Literal('percent'), percent: count }),
]);
const common = {
  name: text,
  priority: Type.Number(),
  parameters: Type.Unsafe<JsonObject>({ type: 'object' }),
  targets: texts,
  maxConcurrency: share,
  maxErrors: share,
  cutoffBehavior: Type.Enum(['CONTINUE_TASK', 'CANCEL_TASK', 'CLIMB_DOWN']),
  reserveMs: Type.Optional(count),
  identity: Type.Object({
    secrets: Type.Record(text, text),
    sshAgent: Type.Optional(text),
    awsProfile: Type.Optional(text),
  }),
};
const task = Type.Union([
  Type.Object({ ...common, runbook: text, taskType: Type.Optional(Type.Literal('RUN_COMMAND')) }),
  Type.Object({ ...common, check: text }),
]);
const invocation = Type.Object({
  target: text,
  executionId: text,
  status,
  reason,
  plannedAt: instant,
  forwardMs: count,
  rollbackMs: count,
  cancelledAt: Type.Optional(instant),
  endedAt: Type.Optional(instant),
  rollbackStatus: Type.Optional(text),
  undone: Type.Optional(texts),
  left: Type.Optional(texts),
});
const contents = Type.Record(text, Type.Object({ says: text, files: Type.Record(text, text) }));
const occurrence = Type.Object({
  window: text,
  id: text,
  dueAt: instant,
  seenAt: instant,
  cutoffAt: instant,
  endAt: instant,
  status,
  reason,
  approval: Type.Union([Type.Null(), Type.Object({ approvers: texts, minRequired: count })]),
  approved: Type.Optional(Type.Object({ by: texts, contents })),
  notifySns: Type.Optional(text),
  notifyChannels: Type.Optional(texts),
  startedAt: Type.Optional(instant),
  endedAt: Type.Optional(instant),
  tasks: Type.Array(
    Type.Object({
      task,
      status,
      reason,
      targets: Type.Union([Type.Null(), texts]),
      invocations: Type.Array(invocation),
    }),
  ),
});
export type Read = Fits<Static<typeof occurrence>, Occurrence>;
const readOccurrence = shape<Occurrence>(occurrence);
const readContents = shape<TaskContents>(contents);

/** Throws JournalFailure, OCCURRENCE_DAMAGED. */
export function occurrenceOf(row: OccurrenceRow): Occurrence {
  const read = row.record === null ? { wrong: 'it is not JSON' } : readOccurrence(row.record);
  if ('wrong' in read) throw damaged(row, read.wrong);
  const { id, window, status: said } = read.value;
  if (id !== row.id || window !== row.window) throw damaged(row, 'it tells of another run');
  if (row.isOpen === isEnded(said)) throw damaged(row, `it is ${said}, which its row does not say`);
  return read.value;
}

/** Those that can be read; `damageOf` tells of the others. */
export function soundOnes(rows: readonly OccurrenceRow[]): Occurrence[] {
  return rows.filter((row) => damageOf(row) === undefined).map(occurrenceOf);
}

/** What is wrong with what the store has of it; undefined: nothing. */
export function damageOf(row: OccurrenceRow): string | undefined {
  try {
    occurrenceOf(row);
    return undefined;
  } catch (error) {
    if (isDamage(error)) return error.message;
    throw error;
  }
}

export function isDamage(error: unknown): error is JournalFailure {
  return error instanceof JournalFailure && error.code === 'OCCURRENCE_DAMAGED';
}

/** Undefined: what stands there is nothing that this Belay wrote. */
export function contentsIn(value: string): TaskContents | undefined {
  const read = readContents(jsonIn(value));
  return 'wrong' in read ? undefined : read.value;
}

/** Of a word that is a JSON object; what it does not have, or is none, is empty. */
export function wordObject(value: string): JsonObject {
  const made = jsonIn(value);
  return isJsonObject(made) ? made : {};
}

function jsonIn(value: string): Json {
  try {
    return JSON.parse(value) as Json;
  } catch {
    return null;
  }
}

function damaged({ id, window, isOpen }: OccurrenceRow, why: string): JournalFailure {
  const next = isOpen
    ? ` Nothing is done with it, and ${window} waits; other windows go on. belay list shows what it had begun, belay window cancel ${window} closes it.`
    : ' It is over; nothing waits for it.';
  return new JournalFailure('OCCURRENCE_DAMAGED', `what windows.db has of ${id} is damaged (${why}).${next}`);
}
