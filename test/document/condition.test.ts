import { describe, expect, test } from 'vitest';

import { chooseBranch, type Scope } from '../../src/document/index.ts';
import type { Json, JsonObject } from '../../src/json.ts';

function scopeOf(values: Readonly<Record<string, Json>>): Scope {
  return {
    lookup: ({ text }) => {
      const value = values[text];
      return value === undefined ? { kind: 'absent', why: 'it is not there' } : { kind: 'value', value };
    },
  };
}

/** Whether one condition over `x` is true; the message when it cannot be told. */
function holds(condition: JsonObject, x?: Json): boolean | string {
  const scope = scopeOf(x === undefined ? {} : { x });
  const decision = chooseBranch({ Choices: [{ NextStep: 'A', ...condition }] }, scope);
  if (decision.kind === 'failed') return decision.message;
  return decision.kind === 'next';
}

const over = (operator: string, constant: Json): JsonObject => ({
  Variable: '{{ x }}',
  [operator]: constant,
});

describe('operators', () => {
  test.each<[string, Json, Json, boolean]>([
    ['StringEquals', 'a', 'a', true],
    ['StringEquals', 'a', 'A', false],
    ['EqualsIgnoreCase', 'Windows', 'WINDOWS', true],
    ['StartsWith', 'eu-west-1', 'eu-', true],
    ['EndsWith', 'eu-west-1', '-1', true],
    ['Contains', 'eu-west-1', 'west', true],
    ['Contains', ['i-12', 'i-3'], 'i-1', false],
    ['Contains', ['i-12', 'i-3'], 'i-3', true],
    ['NumericEquals', 5, '5.0', true],
    ['NumericGreater', '10', 9, true],
    ['NumericGreater', 9, 9, false],
    ['NumericLesser', -1, 0, true],
    ['NumericGreaterOrEquals', 9, 9, true],
    ['NumericLesserOrEquals', 10, 9, false],
    ['BooleanEquals', true, true, true],
    ['BooleanEquals', 'True', true, true],
    ['BooleanEquals', false, 'true', false],
    ['StringEquals', 5, '5', true],
  ])('%s of %j with %j is %s', (operator, value, constant, expected) => {
    expect(holds(over(operator, constant), value)).toBe(expected);
    expect(holds({ Not: over(operator, constant) }, value)).toBe(!expected);
  });

  test('an absent or null value makes every comparison false, and its Not true', () => {
    for (const operator of ['StringEquals', 'NumericLesser', 'BooleanEquals', 'Contains']) {
      expect(holds(over(operator, '1'))).toBe(false);
      expect(holds(over(operator, '1'), null)).toBe(false);
      expect(holds({ Not: over(operator, '1') })).toBe(true);
    }
  });

  test('what cannot be compared fails with the value and the place', () => {
    expect(holds(over('NumericEquals', 1), 'many')).toBe('Choices[0] NumericEquals: "many" is not a number');
    expect(holds(over('NumericEquals', 1), '')).toBe('Choices[0] NumericEquals: "" is not a number');
    expect(holds(over('BooleanEquals', true), 1)).toBe('Choices[0] BooleanEquals: 1 is not true or false');
    expect(holds({ And: [over('BooleanEquals', true)] }, 'x'.repeat(200))).toMatch(
      /^Choices\[0\]\.And\[0\] .{0,120}$/,
    );
  });
});

describe('And, Or and Not', () => {
  const yes = over('StringEquals', 'x');
  const no = over('StringEquals', 'y');

  test('nest to any depth', () => {
    expect(holds({ And: [yes, { Or: [no, { Not: { And: [yes, no] } }] }] }, 'x')).toBe(true);
    expect(holds({ Not: { Or: [no, { Not: yes }] } }, 'x')).toBe(true);
    expect(holds({ And: [yes, no] }, 'x')).toBe(false);
  });

  test('are not evaluated further than needed', () => {
    const broken = over('NumericEquals', 1);
    expect(holds({ Or: [yes, broken] }, 'x')).toBe(true);
    expect(holds({ And: [no, broken] }, 'x')).toBe(false);
    expect(holds({ And: [yes, broken] }, 'x')).toMatch(/not a number/);
  });

  test('without conditions fail rather than guess', () => {
    expect(holds({ And: [] }, 'x')).toBe('Choices[0].And holds no conditions');
    expect(holds({ Not: 'x' }, 'x')).toBe('Choices[0].Not is not a condition');
    expect(holds({}, 'x')).toBe('Choices[0] has no operator');
  });
});

describe('choosing', () => {
  const choice = (step: string, text: string, value: string): JsonObject => ({
    NextStep: step,
    Variable: `{{ ${text} }}`,
    StringEquals: value,
  });

  test('the first true choice wins', () => {
    const Choices = [choice('A', 'x', 'no'), choice('B', 'x', 'yes'), choice('C', 'x', 'yes')];
    expect(chooseBranch({ Choices, Default: 'D' }, scopeOf({ x: 'yes' }))).toMatchObject({
      kind: 'next',
      step: 'B',
    });
  });

  test('without a true choice it is the Default, and without one it is none', () => {
    const Choices = [choice('A', 'x', 'no')];
    expect(chooseBranch({ Choices, Default: 'D' }, scopeOf({}))).toMatchObject({
      kind: 'default',
      step: 'D',
    });
    expect(chooseBranch({ Choices }, scopeOf({}))).toEqual({ kind: 'none', decidedBy: [] });
  });

  test('constants may be expressions, and values are not read as expressions again', () => {
    const Choices = [{ NextStep: 'A', Variable: '{{ x }}', StringEquals: '{{ y }}' }];
    expect(chooseBranch({ Choices }, scopeOf({ x: '{{ z }}', y: '{{ z }}' })).kind).toBe('next');
    expect(chooseBranch({ Choices }, scopeOf({ x: 'a' })).kind).toBe('none');
  });

  test('a variable may be in a longer text', () => {
    const Choices = [{ NextStep: 'A', Variable: '{{ x }}/{{ y }}', StringEquals: 'a/1' }];
    expect(chooseBranch({ Choices }, scopeOf({ x: 'a', y: 1 })).kind).toBe('next');
    expect(chooseBranch({ Choices }, scopeOf({ x: 'a' })).kind).toBe('none');
  });

  test('names the present values on which the decision rests, and no absent one', () => {
    const by = (inputs: JsonObject, values: Readonly<Record<string, Json>>): string[] => {
      const decision = chooseBranch(inputs, scopeOf(values));
      return decision.kind === 'failed' ? [decision.message] : decision.decidedBy.map(({ text }) => text);
    };
    expect(by({ Choices: [choice('A', 'S.x', '1')] }, { 'S.x': '1' })).toEqual(['S.x']);
    expect(by({ Choices: [{ NextStep: 'A', Not: choice('', 'S.x', '1') }] }, {})).toEqual([]);
    const or = { NextStep: 'A', Or: [choice('', 'S.x', '1'), { Not: choice('', 'S.gone', '1') }] };
    expect(by({ Choices: [or] }, { 'S.x': '2' })).toEqual([]);
    const and = { NextStep: 'A', And: [choice('', 'S.x', '1'), choice('', 'S.y', '1')] };
    expect(by({ Choices: [and] }, { 'S.x': '1', 'S.y': '1' })).toEqual(['S.x', 'S.y']);
    expect(by({ Choices: [and], Default: 'D' }, { 'S.x': '1', 'S.y': '2' })).toEqual(['S.y']);
  });
});
