/**
 * Whether somebody else has changed what a step left, before its undo overwrites it. No clock decides: the present is
 * compared with what was observed right before and right after the steps of this execution.
 */
import { isDifferent } from './account/net-changes.ts';
import { driftText } from './drift-text.ts';
import { isEqual } from './equality.ts';
import type { Looked } from './events.ts';
import { isJsonObject, type Json } from '../json.ts';
import type { Frame } from './frame.ts';
import { isClean } from './needs-undo.ts';
import { observe } from './observe.ts';
import { lookAtEach } from './on-hosts.ts';
import type { StepRecord } from './records.ts';
import type { Traces } from './traces.ts';

export interface Drift {
  readonly step: string;
  readonly left: Json;
  readonly found: Json;
}

/** Null: it is as this execution left it or found it, or nobody can tell. */
export function driftOf(traces: Traces, record: StepRecord, found: Json | undefined): Drift | null {
  const { descriptor, after, left, path } = record;
  if (found === undefined) return null;
  if (descriptor.settled === undefined || after === undefined || traces.isBlurred(record)) {
    if (left === undefined || isEqual(knownThen(left, found), left)) return null;
    return { step: path, left, found: knownThen(left, found) };
  }
  const keys = descriptor.settled;
  const own = traces.statesOf(record);
  if (own.some((state) => isEqual(part(state, keys), part(found, keys)))) return null;
  return { step: path, left: part(after, keys), found: part(found, keys) };
}

/** Whether what is read now is how things were before a step that was undone, this one or an earlier one of the same thing. */
export function isBeforeOwn(traces: Traces, record: StepRecord, found: Json): boolean {
  const keys = record.descriptor.putsBack ?? record.descriptor.settled;
  const shown = (before: Json): Json => {
    const now = knownThen(before, found);
    return keys === undefined ? now : part(now, keys);
  };
  return traces.isBefore(record, (before) =>
    isEqual(keys === undefined ? before : part(before, keys), shown(before)),
  );
}

/**
 * It ended well, told no change and left what it had found, and nothing behind it may have changed that unseen: what
 * differs now is no work of this execution.
 */
export function changedNothing(traces: Traces, record: StepRecord): boolean {
  const { descriptor, status, result, before, after } = record;
  const keys = descriptor.settled;
  if (keys === undefined || after === undefined || status !== 'Success' || traces.isBlurred(record))
    return false;
  return !(result?.changes ?? []).some(isDifferent) && isEqual(part(before, keys), part(after, keys));
}

/** Of a rollback that starts by itself: only what is settled is compared, a service that has died is no other's work. */
export async function changedSince(frame: Frame, traces: Traces, record: StepRecord): Promise<Drift | null> {
  if (record.after === undefined || traces.isBlurred(record)) return null;
  const found = await observe(frame, record, `${frame.idPrefix}since/${record.path}`);
  return driftOf(traces, record, found);
}

/** Whether somebody changed since what a rollback of an execution that has ended would put back. */
export async function refusedForDrift(
  frame: Frame,
  traces: Traces,
  records: readonly StepRecord[],
  pass: number,
): Promise<boolean> {
  const drift: Drift[] = [];
  for (const record of records) {
    await lookAtEach(frame, record, `${frame.idPrefix}drift/${record.path}`, async (lane, own) => {
      if ((own.left === undefined && own.after === undefined) || isClean(own.undo)) return;
      const found = await observe(lane, own, `${frame.idPrefix}drift/${own.path}`);
      const drifted = driftOf(traces, own, found);
      if (drifted !== null && !changedNothing(traces, own)) drift.push(drifted);
    });
  }
  if (drift.length === 0) return false;
  await frame.emit({ type: 'RollbackRefused', pass, drift });
  return true;
}

/** Of what is read now, what was read then as well: an earlier version may have known less. */
export function knownThen(then: Json, now: Json): Json {
  if (!isJsonObject(then) || !isJsonObject(now)) return now;
  return Object.fromEntries(Object.entries(now).filter(([key]) => Object.hasOwn(then, key)));
}

function part(state: Json, keys: readonly string[]): Json {
  if (!isJsonObject(state)) return state;
  return Object.fromEntries(keys.map((key) => [key, state[key] ?? null]));
}

/** How what was found differs from what was there before the step. */
export function sinceBefore(
  { descriptor, before }: StepRecord,
  found: Json | undefined,
): { readonly found: Looked; readonly difference: string } {
  if (found === undefined) return { found: 'unread', difference: '' };
  const keys = descriptor.putsBack ?? descriptor.settled;
  const now = knownThen(before, found);
  const [was, is] = keys === undefined ? [before, now] : [part(before, keys), part(now, keys)];
  if (isEqual(was, is)) return { found: 'asBefore', difference: '' };
  return { found: 'different', difference: driftText({ left: was, found: is }) };
}
