/** Where a step's references get their values: parameters, outputs of steps so far, globals, and in an undo list its own step. */
import { referencesIn, resolveInputs, type Lookup, type Reference, type Scope } from '../document/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import type { Execution, Mode, StepRecord } from './execution.ts';
import type { Failure } from './failure.ts';

export type Resolved =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly failure: Failure };

/** Resolves a step's inputs once; all its attempts use the same values. */
export async function resolve(execution: Execution, value: Json, id: string, mode: Mode): Promise<Resolved> {
  const scope = await scopeFor(execution, value, id, mode);
  if ('failure' in scope) return { ok: false, failure: scope.failure };
  const resolution = resolveInputs(value, scope.scope, { absentIsNull: mode.undo !== null });
  if (resolution.ok) return resolution;
  return {
    ok: false,
    failure: { code: resolution.code, message: resolution.message, retryable: false },
  };
}

/** The scope for a value, with the clock read and AWS asked only where the value's references need them. */
export async function scopeFor(
  execution: Execution,
  value: Json,
  id: string,
  mode: Mode,
): Promise<{ readonly scope: Scope } | { readonly failure: Failure }> {
  const globals = new Set(
    referencesIn(value).flatMap((reference) => (reference.kind === 'global' ? [reference.name] : [])),
  );
  const needsClock = globals.has('DATE') || globals.has('DATE_TIME');
  const now = needsClock ? await execution.now(`${id}:now`) : 0;
  if (['REGION', 'ACCOUNT_ID', 'AWS_PARTITION'].some((name) => globals.has(name))) {
    const identity = await execution.identity(mode);
    if ('failure' in identity) return identity;
  }
  return { scope: { lookup: (reference) => lookup(execution, reference, now, mode) } };
}

function lookup(execution: Execution, reference: Reference, now: number, mode: Mode): Lookup {
  switch (reference.kind) {
    case 'parameter':
      return present(execution.input.parameters, reference.name, `parameter ${reference.name} has no value`);
    case 'output': {
      const own = mode.undo === null ? undefined : ownPart(mode.undo.of, reference.step);
      if (own !== undefined) return present(own, reference.output, `${reference.text} did not happen`);
      const turn = mode.undo === null ? mode.turn : mode.undo.of.turn;
      const outputs =
        mode.undo?.outputs.get(reference.step) ??
        turn?.outputs.get(reference.step) ??
        execution.outputs.get(reference.step);
      if (outputs === undefined) return { kind: 'absent', why: `step ${reference.step} has not run` };
      return present(outputs, reference.output, `step ${reference.step} gave no output ${reference.output}`);
    }
    case 'global':
      return global(execution, reference.name, now);
    case 'automation':
      return { kind: 'value', value: execution.runtime.executionId };
    case 'variable':
    case 'parameterStore':
      return { kind: 'absent', why: `${reference.text} cannot be read here` };
    default:
      return reference satisfies never;
  }
}

function ownPart(record: StepRecord, name: string): JsonObject | undefined {
  if (name === 'inputs') return record.inputs ?? {};
  if (name === 'outputs') return record.result?.outputs ?? {};
  if (name === 'before') return { ...(isJsonObject(record.before) ? record.before : {}), ...record.captures };
  return undefined;
}

function global(execution: Execution, name: string, now: number): Lookup {
  const iso = new Date(now).toISOString();
  if (name === 'DATE') return { kind: 'value', value: iso.slice(0, 10) };
  if (name === 'DATE_TIME')
    return { kind: 'value', value: iso.slice(0, 19).replace('T', '_').replaceAll(':', '.') };
  const key = { REGION: 'region', ACCOUNT_ID: 'account', AWS_PARTITION: 'partition' }[name];
  return present(execution.knownIdentity ?? {}, key ?? name, `global:${name} is not known`);
}

function present(values: JsonObject, key: string, why: string): Lookup {
  const value = Object.hasOwn(values, key) ? values[key] : undefined;
  return value === undefined ? { kind: 'absent', why } : { kind: 'value', value };
}
