/** Where a step's references get their values: parameters, outputs of steps so far, globals, and in an undo list its own step. */
import { referencesIn, resolveInputs, type Lookup, type Reference, type Scope } from '../document/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import type { Failure } from './failure.ts';
import type { Frame } from './frame.ts';
import { identity } from './identity.ts';
import {
  scopesAround,
  undoAround,
  type PassScope,
  type Scope as StepScope,
  type StepRecord,
  type TurnScope,
} from './records.ts';

export type Resolved =
  | {
      readonly ok: true;
      readonly value: Json;
      /** Sentences on references that are null, because their step lies on a path that was not taken. */
      readonly absent: readonly string[];
    }
  | { readonly ok: false; readonly failure: Failure };

/** Resolves a step's inputs once; all its attempts use the same values. */
export async function resolve(
  frame: Frame,
  value: Json,
  id: string,
  options: { readonly notRunIsNull?: boolean } = {},
): Promise<Resolved> {
  const absent: string[] = [];
  const scope = await scopeFor(frame, value, id);
  if ('failure' in scope) return { ok: false, failure: scope.failure };
  const resolution = resolveInputs(value, scope.scope, {
    absentIsNull: undoAround(frame.scope) !== undefined,
    ...(options.notRunIsNull === true
      ? { notRun: ({ text }, why) => absent.push(`{{ ${text} }} is null: ${why}`) }
      : {}),
  });
  if (resolution.ok) return { ...resolution, absent };
  return {
    ok: false,
    failure: { code: resolution.code, message: resolution.message, retryable: false },
  };
}

/** The scope for a value, with the clock read and AWS asked only where the value's references need them. */
export async function scopeFor(
  frame: Frame,
  value: Json,
  id: string,
): Promise<{ readonly scope: Scope } | { readonly failure: Failure }> {
  const globals = new Set(
    referencesIn(value).flatMap((reference) => (reference.kind === 'global' ? [reference.name] : [])),
  );
  const needsClock = globals.has('DATE') || globals.has('DATE_TIME');
  const now = needsClock ? await frame.now(`${id}:now`) : 0;
  if (['REGION', 'ACCOUNT_ID', 'AWS_PARTITION'].some((name) => globals.has(name))) {
    const known = await identity(frame);
    if ('failure' in known) return known;
  }
  return { scope: { lookup: (reference) => lookup(frame, reference, now) } };
}

function lookup({ execution, scope }: Frame, reference: Reference, now: number): Lookup {
  switch (reference.kind) {
    case 'parameter':
      return present(execution.input.parameters, reference.name, `parameter ${reference.name} has no value`);
    case 'output': {
      const undo = undoAround(scope);
      const own = undo === undefined ? undefined : ownPart(undo.of, reference.step);
      if (own !== undefined) return present(own, reference.output, `${reference.text} did not happen`);
      const outputs = outputsOf(scope, reference.step);
      if (outputs === undefined)
        return { kind: 'absent', why: `step ${reference.step} has not run`, isNotRun: true };
      return present(outputs, reference.output, `step ${reference.step} gave no output ${reference.output}`);
    }
    case 'global':
      return global(execution, reference.name, now);
    case 'automation':
      return { kind: 'value', value: execution.id };
    case 'variable': {
      const values = undoAround(scope)?.of.variables ?? execution.variables;
      return present(
        values,
        reference.name,
        execution.withoutValue.get(reference.name) ?? `variable ${reference.name} has no value yet`,
      );
    }
    case 'parameterStore':
      return { kind: 'absent', why: `${reference.text} cannot be read here` };
    default:
      return reference satisfies never;
  }
}

function outputsOf(scope: StepScope, step: string): JsonObject | undefined {
  for (const each of scopesAround(scope)) {
    const outputs = each.outputs.get(step) ?? ofNesting(each, step);
    if (outputs !== undefined) return outputs;
  }
  return undefined;
}

/** What nested steps may read of the step around them. */
function ofNesting(scope: StepScope, step: string): JsonObject | undefined {
  switch (scope.kind) {
    case 'turn':
      return ofRolling(scope, step);
    case 'pass':
      return ofLoop(scope, step);
    case 'main':
    case 'undo':
      return undefined;
    default:
      return scope satisfies never;
  }
}

function ofLoop({ of, iteration, value }: PassScope, step: string): JsonObject | undefined {
  if (step !== of.step.name) return undefined;
  return { CurrentIteration: iteration, ...(value === undefined ? {} : { CurrentIteratorValue: value }) };
}

/** What the steps of a turn may read of their rolling. */
function ofRolling({ of, target, targets }: TurnScope, step: string): JsonObject | undefined {
  if (step !== of.step.name) return undefined;
  return {
    Target: target,
    Targets: targets,
    // Made when it is asked for: a rolling may have ten thousand targets.
    get Others() {
      return targets.filter((other) => other !== target);
    },
  };
}

function ownPart(record: StepRecord, name: string): JsonObject | undefined {
  if (name === 'inputs') return record.inputs ?? {};
  if (name === 'outputs') return record.result?.outputs ?? {};
  if (name === 'before') return { ...(isJsonObject(record.before) ? record.before : {}), ...record.captures };
  return undefined;
}

function global(execution: Frame['execution'], name: string, now: number): Lookup {
  const iso = new Date(now).toISOString();
  if (name === 'DATE') return { kind: 'value', value: iso.slice(0, 10) };
  if (name === 'DATE_TIME')
    return { kind: 'value', value: iso.slice(0, 19).replace('T', '_').replaceAll(':', '.') };
  const key = { REGION: 'region', ACCOUNT_ID: 'account', AWS_PARTITION: 'partition' }[name];
  return present(execution.identity ?? {}, key ?? name, `global:${name} is not known`);
}

function present(values: JsonObject, key: string, why: string): Lookup {
  const value = Object.hasOwn(values, key) ? values[key] : undefined;
  return value === undefined ? { kind: 'absent', why } : { kind: 'value', value };
}
