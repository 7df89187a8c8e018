/**
 * aws:branch: which choice is taken. The first one that is true wins.
 *
 * A comparison with an absent (or null) value is false, and its Not true. Text that reads as a number may stand where a
 * number is compared, `true` and `false` where a boolean is; any other mismatch ends the step as failed,
 * because a silent wrong turn is worse. AWS documents none of this; reference page 3.2 recommends it.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { embeddedText, parseTemplate, type Scope } from './expression.ts';
import type { Reference } from './reference.ts';

export const stringOperators = [
  'StringEquals',
  'EqualsIgnoreCase',
  'StartsWith',
  'EndsWith',
  'Contains',
] as const;
export const numericOperators = [
  'NumericEquals',
  'NumericGreater',
  'NumericLesser',
  'NumericGreaterOrEquals',
  'NumericLesserOrEquals',
] as const;
export const operators = [...stringOperators, ...numericOperators, 'BooleanEquals'] as const;
export type Operator = (typeof operators)[number];

/**
 * What a branch step does next. `decidedBy` are the references that had a value and on which the decision rests:
 * an absent one decides nothing, so `Not` over an absent value leaves the list empty.
 */
export type BranchDecision =
  | { readonly kind: 'next'; readonly step: string; readonly decidedBy: readonly Reference[] }
  | { readonly kind: 'default'; readonly step: string; readonly decidedBy: readonly Reference[] }
  /** Nothing was true and there is no Default: isEnd or the next step of the list follows. */
  | { readonly kind: 'none'; readonly decidedBy: readonly Reference[] }
  | { readonly kind: 'failed'; readonly message: string };

/** Decides by the inputs of an aws:branch step as written, expressions unresolved. */
export function chooseBranch(inputs: JsonObject, scope: Scope): BranchDecision {
  const choices = Array.isArray(inputs['Choices']) ? (inputs['Choices'] as readonly Json[]) : [];
  const rejected: Reference[] = [];
  for (const [index, choice] of choices.entries()) {
    const verdict = isJsonObject(choice)
      ? evaluate(choice, `Choices[${index}]`, scope)
      : failure(`Choices[${index}] is not a map`);
    if (verdict.kind === 'failed') return verdict;
    if (!verdict.isTrue) {
      rejected.push(...verdict.decidedBy);
      continue;
    }
    const step = isJsonObject(choice) ? choice['NextStep'] : undefined;
    if (typeof step !== 'string') return failure(`Choices[${index}] has no NextStep`);
    return { kind: 'next', step, decidedBy: verdict.decidedBy };
  }
  const step = inputs['Default'];
  if (typeof step === 'string') return { kind: 'default', step, decidedBy: rejected };
  return { kind: 'none', decidedBy: rejected };
}

type Failed = { readonly kind: 'failed'; readonly message: string };
/** What a condition comes to. */
export type Verdict =
  | { readonly kind: 'verdict'; readonly isTrue: boolean; readonly decidedBy: readonly Reference[] }
  | Failed;

const failure = (message: string): Failed => ({ kind: 'failed', message });

/** Evaluates one condition: a comparison, or And, Or, Not over conditions at any depth. */
export function evaluate(condition: JsonObject, place: string, scope: Scope): Verdict {
  if ('And' in condition) return combine(condition['And'], 'And', place, scope);
  if ('Or' in condition) return combine(condition['Or'], 'Or', place, scope);
  if ('Not' in condition) {
    const inner = condition['Not'];
    if (!isJsonObject(inner)) return failure(`${place}.Not is not a condition`);
    const verdict = evaluate(inner, `${place}.Not`, scope);
    return verdict.kind === 'failed' ? verdict : { ...verdict, isTrue: !verdict.isTrue };
  }
  return compare(condition, place, scope);
}

/** And stops at the first false, Or at the first true: that operand alone decides. */
function combine(operands: Json | undefined, word: 'And' | 'Or', place: string, scope: Scope): Verdict {
  if (!Array.isArray(operands) || operands.length === 0)
    return failure(`${place}.${word} holds no conditions`);
  const decidedBy: Reference[] = [];
  for (const [index, operand] of (operands as readonly Json[]).entries()) {
    const here = `${place}.${word}[${index}]`;
    if (!isJsonObject(operand)) return failure(`${here} is not a condition`);
    const verdict = evaluate(operand, here, scope);
    if (verdict.kind === 'failed' || verdict.isTrue === (word === 'Or')) return verdict;
    decidedBy.push(...verdict.decidedBy);
  }
  return { kind: 'verdict', isTrue: word === 'And', decidedBy };
}

function compare(condition: JsonObject, place: string, scope: Scope): Verdict {
  const operator = operators.find((name) => name in condition);
  if (operator === undefined) return failure(`${place} has no operator`);
  const left = readOperand(condition['Variable'], scope);
  const right = readOperand(condition[operator], scope);
  if (left === undefined || right === undefined) return { kind: 'verdict', isTrue: false, decidedBy: [] };
  const result = applyOperator(operator, left.value, right.value);
  if (typeof result === 'boolean') {
    return { kind: 'verdict', isTrue: result, decidedBy: [...left.references, ...right.references] };
  }
  return failure(`${place} ${operator}: ${result.problem}`);
}

/** The operand's value and the references in it; undefined when a reference is absent or the value is null. */
function readOperand(
  operand: Json | undefined,
  scope: Scope,
): { readonly value: Json; readonly references: readonly Reference[] } | undefined {
  if (operand === undefined || operand === null) return undefined;
  if (typeof operand !== 'string' || !operand.includes('{{')) return { value: operand, references: [] };
  const parts = parseTemplate(operand);
  const references: Reference[] = [];
  let text = '';
  for (const part of parts) {
    if (part.kind === 'text') {
      text += part.text;
      continue;
    }
    const found = scope.lookup(part.reference);
    if (found.kind === 'absent' || found.value === null) return undefined;
    references.push(part.reference);
    if (parts.length === 1) return { value: found.value, references };
    text += embeddedText(found.value);
  }
  return { value: text, references };
}

function applyOperator(operator: Operator, left: Json, right: Json): boolean | { readonly problem: string } {
  switch (operator) {
    case 'StringEquals':
      return embeddedText(left) === embeddedText(right);
    case 'EqualsIgnoreCase':
      return embeddedText(left).toLowerCase() === embeddedText(right).toLowerCase();
    case 'StartsWith':
      return embeddedText(left).startsWith(embeddedText(right));
    case 'EndsWith':
      return embeddedText(left).endsWith(embeddedText(right));
    case 'Contains':
      // A list contains an element, not a piece of its JSON text.
      return Array.isArray(left)
        ? left.some((item: Json) => embeddedText(item) === embeddedText(right))
        : embeddedText(left).includes(embeddedText(right));
    case 'BooleanEquals': {
      const [a, b] = [asBoolean(left), asBoolean(right)];
      if (a === undefined) return { problem: `${shown(left)} is not true or false` };
      if (b === undefined) return { problem: `${shown(right)} is not true or false` };
      return a === b;
    }
    default: {
      const [a, b] = [asNumber(left), asNumber(right)];
      if (a === undefined) return { problem: `${shown(left)} is not a number` };
      if (b === undefined) return { problem: `${shown(right)} is not a number` };
      return compareNumbers(operator, a, b);
    }
  }
}

function compareNumbers(operator: (typeof numericOperators)[number], a: number, b: number): boolean {
  switch (operator) {
    case 'NumericEquals':
      return a === b;
    case 'NumericGreater':
      return a > b;
    case 'NumericLesser':
      return a < b;
    case 'NumericGreaterOrEquals':
      return a >= b;
    case 'NumericLesserOrEquals':
      return a <= b;
    default:
      return operator satisfies never;
  }
}

function asNumber(value: Json): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || !/^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(value))
    return undefined;
  return Number(value);
}

function asBoolean(value: Json): boolean | undefined {
  if (typeof value === 'boolean') return value;
  const text = typeof value === 'string' ? value.trim().toLowerCase() : '';
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

function shown(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
