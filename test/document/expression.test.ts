import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  embeddedText,
  isExpression,
  parseReference,
  parseTemplate,
  referencesIn,
  resolveInputs,
  wholeReference,
  type Scope,
} from '../../src/document/index.ts';
import type { Json } from '../../src/json.ts';

/** Parameters by name; everything else is absent. */
function scopeOf(values: Readonly<Record<string, Json>>): Scope {
  return {
    lookup: (reference) => {
      const value = Object.hasOwn(values, reference.text) ? values[reference.text] : undefined;
      return value === undefined
        ? { kind: 'absent', why: `${reference.text} is not set` }
        : { kind: 'value', value };
    },
  };
}

function resolved(value: Json, values: Readonly<Record<string, Json>>, absentIsNull = false): Json {
  const result = resolveInputs(value, scopeOf(values), { absentIsNull });
  if (!result.ok) throw new Error(result.message);
  return result.value;
}

const anyJson = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;
/** Strings that are likely to be taken for expressions. */
const tricky = fc.oneof(
  fc.string(),
  fc.constantFrom('{{ x }}', '{{x}}{{y}}', '{{', '}}', '{{ {{x}} }}', '$&', "$'", '\\', '{{ Step.Output }}'),
  fc
    .array(fc.constantFrom('{', '}', ' ', 'x', '{{', '}}', '.', ':'), { maxLength: 12 })
    .map((parts) => parts.join('')),
);

describe('what an expression is', () => {
  test.each([
    ['x', 'parameter'],
    ['Step.Output', 'output'],
    ['global:DATE_TIME', 'global'],
    ['automation:EXECUTION_ID', 'automation'],
    ['variable:Count', 'variable'],
    ['ssm:/path/to-it/name.v1', 'parameterStore'],
    ['ssm:name:3', 'parameterStore'],
    ['  x\t', 'parameter'],
  ])('%s is a reference of kind %s', (inner, kind) => {
    expect(parseReference(inner)?.kind).toBe(kind);
  });

  test.each(['', '.Names', '#if x', 'resolve:ssm:/x', 'a b', 'a.b.c', 'a-b', 'x | upper', 'a[0]', 'äö'])(
    '%j stays the text that it is',
    (inner) => {
      expect(parseReference(inner)).toBeUndefined();
      const text = `{{${inner}}}`;
      expect(resolved(text, {})).toBe(text);
      expect(isExpression(text)).toBe(false);
    },
  );

  test('a template is split at its references, which know their offsets', () => {
    expect(parseTemplate('a {{ x }}{{ .y }}{{z}}')).toEqual([
      { kind: 'text', text: 'a ' },
      { kind: 'reference', reference: { kind: 'parameter', name: 'x', text: 'x' }, start: 2, end: 9 },
      { kind: 'text', text: '{{ .y }}' },
      { kind: 'reference', reference: { kind: 'parameter', name: 'z', text: 'z' }, start: 17, end: 22 },
    ]);
  });

  test('a brace more on each side is text around an expression', () => {
    expect(resolved('{{{x}}}', { x: 1 })).toBe('{1}');
  });

  test('references are found at any depth, in keys too', () => {
    const value = { a: ['{{ x }}', { '{{ y }}': 'b {{ Step.Z }}' }], n: 5 };
    expect(referencesIn(value).map(({ text }) => text)).toEqual(['x', 'y', 'Step.Z']);
  });

  test('only a string that is nothing but one expression is whole', () => {
    expect(wholeReference('{{ x }}')?.text).toBe('x');
    for (const text of ['x', ' {{ x }}', '{{ x }}{{ y }}', '{{ .x }}']) {
      expect(wholeReference(text)).toBeUndefined();
    }
  });
});

describe('resolving', () => {
  test('an embedded value reads as text, or as JSON when it is not text', () => {
    const values = { s: 'text', n: 3, b: true, l: ['a', 'b'], m: { k: 'v' } };
    expect(resolved('{{s}} {{n}} {{b}} {{l}} {{m}}', values)).toBe('text 3 true ["a","b"] {"k":"v"}');
  });

  test('a list in a list is spliced when the element is nothing but the expression', () => {
    const values = { l: ['a', 'b'], e: [], s: 'c' };
    expect(resolved(['{{l}}', '{{s}}', '{{e}}', 'x{{l}}', ['{{l}}']], values)).toEqual([
      'a',
      'b',
      'c',
      'x["a","b"]',
      ['a', 'b'],
    ]);
  });

  test('a key is resolved too, and two keys that become one are refused', () => {
    expect(resolved({ '{{k}}': 1, 'n{{n}}': 2 }, { k: 'a', n: 5 })).toEqual({ a: 1, n5: 2 });
    const result = resolveInputs({ '{{k}}': 1, a: 2 }, scopeOf({ k: 'a' }));
    expect(result).toMatchObject({ ok: false, code: 'DUPLICATE_KEY', path: ['a'] });
  });

  test('an absent value is refused with its path and reason', () => {
    expect(resolveInputs({ a: ['x', 'b{{ Gone.Id }}'] }, scopeOf({}))).toEqual({
      ok: false,
      code: 'ABSENT_VALUE',
      message: '{{ Gone.Id }} has no value: Gone.Id is not set',
      path: ['a', 1],
    });
  });

  test('in an undo, an absent value is null alone and nothing inside a text', () => {
    expect(resolved({ a: '{{ x }}', b: '<{{ x }}>', c: ['{{ x }}'] }, {}, true)).toEqual({
      a: null,
      b: '<>',
      c: [null],
    });
  });

  test('a key called __proto__ stays a key', () => {
    const value = JSON.parse('{"__proto__": "{{ x }}"}') as Json;
    expect(JSON.stringify(resolved(value, { x: 1 }))).toBe('{"__proto__":1}');
  });
});

describe('for all values', () => {
  test('a value alone keeps its type, its content and its identity', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        expect(resolved('{{ x }}', { x: value })).toBe(value);
        expect(resolved({ a: { b: '{{ x }}' } }, { x: value })).toEqual({ a: { b: value } });
      }),
    );
  });

  test('a value is never read again: what looks like an expression in it survives literally', () => {
    fc.assert(
      fc.property(
        tricky,
        tricky,
        fc.string().map((text) => text.replaceAll('{', '')),
        (x, y, around) => {
          const values = { x, y };
          expect(resolved(`${around}{{ x }}${around}{{y}}`, values)).toBe(`${around}${x}${around}${y}`);
          expect(resolved(['{{ x }}'], { ...values, x: [y, x] })).toEqual([y, x]);
          expect(resolved({ '{{ x }}': '{{ y }}' }, values)).toEqual(Object.fromEntries([[x, y]]));
        },
      ),
    );
  });

  test('embedded JSON can be read back', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        fc.pre(typeof value !== 'string');
        const text = resolved('{{ x }}{{ empty }}', { x: value, empty: '' });
        expect(JSON.parse(text as string)).toEqual(JSON.parse(embeddedText(value)));
      }),
    );
  });

  test('what holds no expression comes out as it went in', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        fc.pre(referencesIn(value).length === 0);
        expect(resolved(value, {})).toEqual(value);
      }),
    );
  });

  test('resolution is total: a value or a reason, never a throw', () => {
    const withExpressions = fc.letrec<{ value: Json }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        tricky,
        fc.constant('{{ a }}'),
        fc.integer(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(tricky, tie('value'), { maxKeys: 4 }),
      ),
    })).value;
    fc.assert(
      fc.property(withExpressions, anyJson, fc.boolean(), (value, a, absentIsNull) => {
        const result = resolveInputs(value, scopeOf({ a }), { absentIsNull });
        if (result.ok) expect(JSON.stringify(result.value)).toBeTypeOf('string');
        else expect(result.message.length).toBeGreaterThan(0);
      }),
    );
  });
});
