/**
 * Whether somebody else has changed what a step left, before its undo overwrites it. No clock decides: the present is
 * compared with what was observed right before and right after the steps of this execution.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import type { Execution, Mode, StepRecord } from './execution.ts';
import { observeTimeoutMs } from './limits.ts';
import { tokenOf, workOf } from './steps/attempts.ts';

/** Reads the state that a step may have changed. Undefined: it could not be read. */
export async function observe(
  execution: Execution,
  record: StepRecord,
  id: string,
  mode: Mode,
): Promise<Json | undefined> {
  const outcome = await execution.activity({
    id: `${id}:observe`,
    kind: 'observe',
    input: workOf(record),
    step: record.path,
    token: tokenOf(execution, mode, record.path, 0),
    timeoutMs: observeTimeoutMs,
    onLost: 'rerun',
    ignoreCancel: true,
  });
  return outcome.status === 'ok' ? outcome.value : undefined;
}

/** Keeps what a step that acted has left, where that changes only when somebody changes it. */
export async function observeAfter(execution: Execution, record: StepRecord, mode: Mode): Promise<void> {
  const { step, descriptor, attempts, path } = record;
  const isOwned = descriptor.settled !== undefined && step.undo.kind === 'auto' && mode.undo === null;
  if (!isOwned || attempts.length === 0 || record.status !== 'Success') return;
  record.after = await observe(execution, record, `${mode.idPrefix}${path}:after`, mode);
}

export interface Drift {
  readonly step: string;
  readonly left: Json;
  readonly found: Json;
}

/** Null: it is as this execution left it or found it, or nobody can tell. */
export function driftOf(execution: Execution, record: StepRecord, found: Json | undefined): Drift | null {
  const { descriptor, after, left, path } = record;
  if (found === undefined) return null;
  if (descriptor.settled === undefined || after === undefined || isBlurred(execution, record)) {
    return left === undefined || isEqual(found, left) ? null : { step: path, left, found };
  }
  const keys = descriptor.settled;
  const own = ownStates(execution, record);
  if (own.some((state) => isEqual(part(state, keys), part(found, keys)))) return null;
  return { step: path, left: part(after, keys), found: part(found, keys) };
}

/** Of a rollback that starts by itself: only what is settled is compared, a service that has died is no other's work. */
export async function changedSince(
  execution: Execution,
  record: StepRecord,
  mode: Mode,
): Promise<Drift | null> {
  if (record.after === undefined || isBlurred(execution, record)) return null;
  const found = await observe(execution, record, `${mode.idPrefix}since/${record.path}`, mode);
  return driftOf(execution, record, found);
}

/** Every state of the same thing that this execution has seen around its own steps. */
function ownStates({ began }: Execution, record: StepRecord): Json[] {
  return began
    .filter(({ step, inputs }) => step.action === record.step.action && isSameThing(inputs, record.inputs))
    .flatMap(({ before, after }) => [before, ...(after === undefined ? [] : [after])]);
}

/** Both name the same thing, however different what they want of it is: they share a target and a text that names it. */
function isSameThing(left: JsonObject | null, right: JsonObject | null): boolean {
  const names = ['Path', 'Name', 'Names', 'ResourceId', 'User', 'File'];
  return names.every((name) => isEqual(left?.[name] ?? null, right?.[name] ?? null));
}

/** A later step of this execution may itself have changed it, in a way that nobody can tell from another's work. */
function isBlurred({ began }: Execution, record: StepRecord): boolean {
  return began.slice(began.indexOf(record) + 1).some(({ step, descriptor, attempts, result }) => {
    const isOpaque =
      step.undo.kind === 'steps' || (descriptor.undo.kind === 'none' && step.undo.kind === 'auto');
    if (!isOpaque || attempts.length === 0) return false;
    const targets = result?.targets ?? [];
    const own = record.result?.targets ?? [];
    return targets.length === 0 || own.length === 0 || targets.some((target) => own.includes(target));
  });
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

/** Deep equality of JSON, whatever the order of keys. */
export function isEqual(left: Json, right: Json): boolean {
  return canonical(left) === canonical(right);
}

function canonical(value: Json): string {
  return JSON.stringify(value, (_key, member: Json) =>
    isJsonObject(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([left], [right]) => (left < right ? -1 : 1)))
      : member,
  );
}
