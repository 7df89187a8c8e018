/**
 * Arguments: what the caller gives for the parameters of a document, checked and completed.
 *
 * Checks look at the raw values; expressions in defaults are resolved after that, once, and never in what
 * the caller gave. Values of secret parameters are never in a message.
 */
import { isJsonObject, own, type Json } from '../json.ts';
import { coerceArgument } from './argument.ts';
import type { DocumentCode } from './errors.ts';
import { referencesIn, resolveInputs, type Scope } from './expression.ts';
import { compilePattern, patternTimeoutMs } from './pattern.ts';
import { isGivenByWindow } from './reference.ts';
import { didYouMean, makeSuggester } from './suggest.ts';
import type { Document, Parameter } from './types.ts';

/** A diagnostic without a place: arguments come from a command line, a schedule or an API. */
export interface ParameterProblem {
  readonly code: ParameterProblemCode;
  readonly parameter: string;
  /** A sentence, one line. */
  readonly message: string;
  readonly hint?: string;
}

export type ParameterProblemCode = Extract<
  DocumentCode,
  | 'UNKNOWN_PARAMETER'
  | 'MISSING_PARAMETER'
  | 'WRONG_TYPE'
  | 'VALUE_NOT_ALLOWED'
  | 'PATTERN_MISMATCH'
  | 'OUT_OF_RANGE'
  | 'NUL_CHARACTER'
  | 'ABSENT_VALUE'
>;

export type Arguments = Readonly<Record<string, Json>>;

/** Everything wrong with the arguments; empty when the document can start with them. */
export function checkArguments(document: Document, given: Arguments): ParameterProblem[] {
  const problems: ParameterProblem[] = [];
  const suggest = makeSuggester();
  const known = Object.keys(document.parameters);
  for (const [name, value] of Object.entries(given)) {
    const parameter = own(document.parameters, name);
    if (parameter === undefined) {
      const hint = didYouMean(suggest, name, known);
      problems.push({
        code: 'UNKNOWN_PARAMETER',
        parameter: name,
        message: `the document has no parameter ${name}`,
        ...(hint === undefined ? {} : { hint }),
      });
    } else {
      problems.push(...checkArgument(name, parameter, value));
    }
  }
  for (const [name, parameter] of Object.entries(document.parameters)) {
    const value = own(given, name);
    if (value === undefined && parameter.default === undefined) {
      problems.push({
        code: 'MISSING_PARAMETER',
        parameter: name,
        message: `parameter ${name} (${parameter.type}) has no default and was not given`,
        ...(parameter.description === undefined ? {} : { hint: firstLine(parameter.description) }),
      });
    } else if (value === undefined && parameter.default !== undefined) {
      problems.push(...checkDefault(name, parameter, parameter.default));
    }
  }
  return problems;
}

/**
 * A default is held to the rules as well, unless only its expressions will tell the value. An empty one makes the
 * parameter optional; published documents pair it with patterns that it does not match.
 */
export function checkDefault(
  name: string,
  parameter: Parameter,
  value: Json,
  what?: string,
): ParameterProblem[] {
  if (value === '') return [];
  return referencesIn(value).length > 0 ? [] : checkArgument(name, parameter, value, what);
}

/**
 * A default whose value its expressions gave. AWS compares the text as it is written, and published patterns allow for that:
 * it passes when the text or the value does. A secret in it is checked where it is read.
 */
function checkResolved(name: string, parameter: Parameter, value: Json): ParameterProblem[] {
  const { default: written } = parameter;
  if (written === undefined || value === '' || referencesIn(written).length === 0 || holdsNul(value))
    return [];
  const problems = checkArgument(name, parameter, value);
  if (problems.length === 0 || checkArgument(name, parameter, written).length === 0) return [];
  return problems;
}

/** Checks one value against its parameter's definition. `what`: what it is called in messages. */
export function checkArgument(
  name: string,
  parameter: Parameter,
  given: Json,
  what = `parameter ${name}`,
): ParameterProblem[] {
  if (holdsNul(given)) {
    return [
      {
        code: 'NUL_CHARACTER',
        parameter: name,
        message: `the value of ${name} holds a NUL character, which no command or API takes`,
      },
    ];
  }
  const coerced = coerceArgument(parameter.type, given);
  if (!coerced.ok) {
    const problem = `${what} is ${parameter.type}, but ${parameter.secret === true ? 'its value is something else' : coerced.problem}`;
    return [
      {
        code: 'WRONG_TYPE',
        parameter: name,
        message: problem,
        ...(coerced.hint === undefined ? {} : { hint: coerced.hint }),
      },
    ];
  }
  const value = coerced.value;
  return [
    ...checkAllowedValues(name, parameter, value, what),
    ...checkPattern(name, parameter, value, what),
    ...checkSize(name, parameter, value, what),
  ];
}

function checkAllowedValues(
  name: string,
  parameter: Parameter,
  value: Json,
  what: string,
): ParameterProblem[] {
  const allowed = parameter.allowedValues;
  if (allowed === undefined) return [];
  const same = (a: Json, b: Json): boolean => textOf(a) === textOf(b);
  if (allowed.some((candidate) => same(candidate, value))) return [];
  const suggest = makeSuggester();
  const problems: ParameterProblem[] = [];
  for (const item of Array.isArray(value) ? (value as readonly Json[]) : [value]) {
    if (allowed.some((candidate) => same(candidate, item))) continue;
    const texts = allowed.map((candidate) => textOf(candidate));
    const nearest = parameter.secret === true ? undefined : suggest(textOf(item), texts);
    problems.push({
      code: 'VALUE_NOT_ALLOWED',
      parameter: name,
      message: `${shown(parameter, item)} is not allowed for ${what}; allowed: ${listed(texts)}`,
      ...(nearest === undefined ? {} : { hint: `Did you mean ${nearest}?` }),
    });
  }
  return problems;
}

function checkPattern(name: string, parameter: Parameter, value: Json, what: string): ParameterProblem[] {
  if (parameter.allowedPattern === undefined) return [];
  const compiled = compilePattern(parameter.allowedPattern);
  if (!compiled.ok) return [];
  const problems: ParameterProblem[] = [];
  for (const item of Array.isArray(value) ? (value as readonly Json[]) : [value]) {
    const found = compiled.matches(textOf(item));
    if (found === 'match') continue;
    problems.push({
      code: 'PATTERN_MISMATCH',
      parameter: name,
      message:
        found === 'differs'
          ? `${shown(parameter, item)} does not match the pattern of ${what}: ${parameter.allowedPattern}`
          : `whether ${shown(parameter, item)} matches the pattern of ${what} was not found out within ${patternTimeoutMs} ms: ${parameter.allowedPattern}`,
      ...(found === 'differs'
        ? {}
        : { hint: 'a pattern without look-around and with counts up to 1000 is matched in one go' }),
    });
  }
  return problems;
}

function checkSize(name: string, parameter: Parameter, value: Json, what: string): ParameterProblem[] {
  const problems: ParameterProblem[] = [];
  const outside = (count: number, min: number | undefined, max: number | undefined, unit: string): void => {
    if ((min === undefined || count >= min) && (max === undefined || count <= max)) return;
    const range =
      min === undefined ? `at most ${max}` : max === undefined ? `at least ${min}` : `${min} to ${max}`;
    problems.push({
      code: 'OUT_OF_RANGE',
      parameter: name,
      message: `${what} has ${count}${unit}, allowed: ${range}${unit}`,
    });
  };
  if (Array.isArray(value)) outside(value.length, parameter.minItems, parameter.maxItems, ' items');
  else if (isJsonObject(value)) {
    outside(Object.keys(value).length, parameter.minItems, parameter.maxItems, ' entries');
  }
  if (typeof value === 'string') {
    outside(Array.from(value).length, parameter.minChars, parameter.maxChars, ' characters');
  }
  if (typeof value === 'number') outside(value, parameter.minValue, parameter.maxValue, '');
  return problems;
}

/** The Parameter Store names that defaults refer to and nobody overrode; the runtime reads them before the start. */
export function parameterStoreReferences(document: Document, given: Arguments): string[] {
  const names = new Set<string>();
  for (const [name, parameter] of Object.entries(document.parameters)) {
    if (parameter.default === undefined || own(given, name) !== undefined) continue;
    for (const reference of referencesIn(parameter.default)) {
      if (reference.kind === 'parameterStore') names.add(reference.name);
    }
  }
  return [...names];
}

export type ParameterResolution =
  | { readonly ok: true; readonly values: Readonly<Record<string, Json>> }
  | { readonly ok: false; readonly problems: readonly ParameterProblem[] };

/**
 * The value of every parameter: what was given, in its type, and defaults with their expressions resolved. The scope
 * answers for everything but parameters: globals, the execution id, Parameter Store.
 */
export function resolveParameters(document: Document, given: Arguments, scope: Scope): ParameterResolution {
  const values = new Map<string, Json>();
  const problems: ParameterProblem[] = [];
  const underWay = new Set<string>();

  const settle = (name: string, parameter: Parameter): Json | undefined => {
    const known = values.get(name);
    if (known !== undefined) return known;
    const argument = own(given, name);
    const value = argument === undefined ? resolveDefault(name, parameter) : argument;
    if (value === undefined) return undefined;
    const coerced = coerceArgument(parameter.type, value);
    if (!coerced.ok) {
      const what = parameter.secret === true ? 'its value is something else' : coerced.problem;
      problems.push({
        code: 'WRONG_TYPE',
        parameter: name,
        message: `parameter ${name} is ${parameter.type}, but ${what}`,
      });
      return undefined;
    }
    if (argument === undefined) problems.push(...checkResolved(name, parameter, coerced.value));
    values.set(name, coerced.value);
    return coerced.value;
  };

  const resolveDefault = (name: string, parameter: Parameter): Json | undefined => {
    if (parameter.default === undefined || underWay.has(name)) return undefined;
    underWay.add(name);
    const resolved = resolveInputs(parameter.default, {
      lookup: (reference) => {
        if (reference.kind !== 'parameter') return scope.lookup(reference);
        const other = own(document.parameters, reference.name);
        const value = other === undefined ? undefined : settle(reference.name, other);
        if (other === undefined && isGivenByWindow(reference.name))
          return {
            kind: 'absent',
            why: `a maintenance window puts it into the parameters of its task, and into no default. Give ${name} a value`,
          };
        return value === undefined
          ? { kind: 'absent', why: `parameter ${reference.name} has no value` }
          : { kind: 'value', value };
      },
    });
    underWay.delete(name);
    if (resolved.ok) return resolved.value;
    problems.push({
      code: 'ABSENT_VALUE',
      parameter: name,
      message: `the default of ${name}: ${resolved.message}`,
    });
    return undefined;
  };

  for (const [name, parameter] of Object.entries(document.parameters)) settle(name, parameter);
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, values: Object.fromEntries(values) };
}

function holdsNul(value: Json): boolean {
  if (typeof value === 'string') return value.includes('\0');
  if (Array.isArray(value)) return value.some((item: Json) => holdsNul(item));
  if (!isJsonObject(value)) return false;
  return Object.entries(value).some(([key, member]) => key.includes('\0') || holdsNul(member));
}

const textOf = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));

function shown(parameter: Parameter, value: Json): string {
  if (parameter.secret === true) return 'the value';
  const text = JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}

function listed(texts: readonly string[]): string {
  const first = texts.slice(0, 10).join(', ');
  return texts.length > 10 ? `${first} and ${texts.length - 10} more` : first;
}

const firstLine = (text: string): string => text.trim().split('\n')[0]?.slice(0, 120) ?? '';
