/**
 * Whether somebody else has changed what a step left, before its undo overwrites it. No clock decides: the present is
 * compared with what was observed right before and right after the steps of this execution.
 */
import { isEqual } from './equality.ts';
import { isJsonObject, type Json } from '../json.ts';
import type { Frame } from './frame.ts';
import { observe } from './observe.ts';
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
    return left === undefined || isEqual(found, left) ? null : { step: path, left, found };
  }
  const keys = descriptor.settled;
  const own = traces.statesOf(record);
  if (own.some((state) => isEqual(part(state, keys), part(found, keys)))) return null;
  return { step: path, left: part(after, keys), found: part(found, keys) };
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
    if (record.left === undefined && record.after === undefined) continue;
    const found = await observe(frame, record, `${frame.idPrefix}drift/${record.path}`);
    const drifted = driftOf(traces, record, found);
    if (drifted !== null) drift.push(drifted);
  }
  if (drift.length === 0) return false;
  await frame.emit({ type: 'RollbackRefused', pass, drift });
  return true;
}

function part(state: Json, keys: readonly string[]): Json {
  if (!isJsonObject(state)) return state;
  return Object.fromEntries(keys.map((key) => [key, state[key] ?? null]));
}

/** `sha256 af18… → 7f8b…, size 16 → 8`: what is there now in the place of what the step left. */
export function driftText({ left, found }: Pick<Drift, 'left' | 'found'>): string {
  if (!isJsonObject(left) || !isJsonObject(found)) return `${short(left)} → ${short(found)}`;
  const keys = [...new Set([...Object.keys(left), ...Object.keys(found)])];
  return keys
    .filter((key) => !isEqual(left[key] ?? null, found[key] ?? null))
    .map((key) => `${key} ${short(left[key] ?? null)} → ${short(found[key] ?? null)}`)
    .join(', ');
}

const valueCharactersMax = 60;

function short(value: Json): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (/^[0-9a-f]{64}$/.test(text)) return `${text.slice(0, 8)}…`;
  return text.length <= valueCharactersMax ? text : `${text.slice(0, valueCharactersMax - 1)}…`;
}
