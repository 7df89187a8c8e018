/** What is sealed holds no secret, and comes back as it was. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json } from '../../../src/json.ts';
import { formsOf } from '../../../src/runtime/secrets/forms.ts';
import { newPlaceholder } from '../../../src/runtime/secrets/placeholder.ts';
import { Seal } from '../../../src/runtime/secrets/seal.ts';

const sealOf = (...values: readonly string[]): Seal =>
  new Seal(values.map((value, index) => ({ name: `S${index}`, value, placeholder: newPlaceholder('S') })));

const words = ['status', 'value', 'code', 'failed', 'outputs', 'Stdout', 'true', 'null', 'daemon', '5432'];
const secretText = fc
  .oneof(
    fc.string({ minLength: 4, maxLength: 30, unit: 'binary' }),
    fc.string({ minLength: 4, maxLength: 30, unit: 'grapheme' }),
    fc.constantFrom(...words),
    fc.stringMatching(/^[0-9]{4,12}$/),
    fc
      .array(fc.base64String({ minLength: 16, maxLength: 64 }), { minLength: 2, maxLength: 5 })
      .map((lines) => `-----BEGIN KEY-----\n${lines.join('\n')}\n-----END KEY-----\n`),
  )
  .filter((text) => text.isWellFormed() && !text.includes('\0') && Buffer.byteLength(text) >= 4);

/** JSON in which the secrets turn up: as they are, written in other ways, broken, halved, as names and as numbers. */
function jsonAround(secrets: readonly string[]): fc.Arbitrary<Json> {
  const form = fc.constantFrom(...formsOf(secrets)).map(({ bytes }) => bytes.toString('utf8'));
  const noise = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom('\0', '\0\0', '\ud800', '\udc00', '\0S0:v.t\0', '\0#\0', '***', '', ' '),
    fc.constantFrom(...secrets).map((secret) => secret.slice(0, -1)),
  );
  const folded = form.chain((text) =>
    fc
      .tuple(fc.integer({ min: 1, max: 20 }), fc.constantFrom('\n', '\r\n', '\n   '))
      .map(([width, fold]) =>
        Array.from(text.matchAll(new RegExp(`[^]{1,${width}}`, 'g')), String).join(fold),
      ),
  );
  const text = fc.array(fc.oneof(form, folded, noise), { maxLength: 5 }).map((parts) => parts.join(''));
  const number = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value)),
    fc.constantFrom(...secrets.map(Number).filter(Number.isFinite), 15432.5, 1e21),
  );
  return fc.letrec<{ json: Json }>((tie) => ({
    json: fc.oneof(
      { depthSize: 'small' },
      text,
      number,
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('json'), { maxLength: 4 }),
      fc.dictionary(text, tie('json'), { maxKeys: 4 }),
    ),
  })).json;
}

/** All text in it, as it is before it is written as JSON. */
function textsOf(value: Json): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return [String(value)];
  if (value === null || typeof value !== 'object') return [];
  if (Array.isArray(value)) return value.flatMap((item: Json) => textsOf(item));
  return Object.entries(value).flatMap(([key, member]) => [key, ...textsOf(member)]);
}

test('any JSON comes back as it was, and what the journal holds of it has no secret in any form', () => {
  fc.assert(
    fc.property(
      fc
        .array(secretText, { minLength: 1, maxLength: 3 })
        .chain((secrets) => fc.tuple(fc.constant(secrets), jsonAround(secrets))),
      ([secrets, value]) => {
        const seal = sealOf(...secrets);
        const stored = JSON.parse(JSON.stringify(seal.close(value))) as Json;
        expect(seal.open(stored)).toEqual(value);
        const own = /\0(?:#|S\d:[a-z0-9.]+(?:@\d+[nr]\d+)*)?\0/g;
        for (const text of textsOf(stored))
          for (const part of text.split(own))
            for (const secret of secrets) expect(part).not.toContain(secret);
      },
    ),
    { numRuns: 300 },
  );
});

test('the bytes of a journal row do not hold a secret that has no characters of JSON in it', () => {
  fc.assert(
    fc.property(
      fc
        .stringMatching(/^[A-Za-z0-9+/=:.-]{8,40}$/)
        .chain((secret) => fc.tuple(fc.constant(secret), jsonAround([secret]))),
      ([secret, value]) => {
        // JSON writes the end of a seal as \u0000: its last zero and what follows may by chance read as a secret.
        const row = JSON.stringify(sealOf(secret).close(value)).replaceAll('\\u0000', '\0');
        expect(row).not.toContain(secret);
      },
    ),
    { numRuns: 300 },
  );
});

describe('what takes the place of a secret', () => {
  test('says which it was and how it was written, and nothing of it', () => {
    const seal = sealOf('hunter2-canary', 'status');
    const folded = Buffer.from('hunter2-canary').toString('base64').replace('YW', 'Y\n  W');
    expect(seal.close({ a: 'is hunter2-canary!', status: folded })).toEqual({
      a: 'is \0S0:v.t\0!',
      '\0S1:v.t\0': '\0S0:v.b@13n2\0',
    });
  });

  test('is the same in every version: journals hold it', () => {
    const value = `it's "Ä" <b>&/\\ $5\nsecond-line-0f-it\n`;
    const recipes = formsOf([value]).map(({ recipe }) => recipe);
    expect(recipes.toSorted()).toMatchSnapshot();
  });

  test('stays what it is where its secret is not at hand', () => {
    const closed = sealOf('hunter2-canary').close({ a: 'hunter2-canary' });
    expect(new Seal([]).open(closed)).toEqual(closed);
  });
});

test('a secret keeps apart the members and values that Belay itself speaks with', () => {
  for (const word of words) {
    const seal = sealOf(word);
    const value = { [word]: [word, { [`${word}2`]: 1 }], before: { packages: { [word]: '1.0' } } };
    const closed = seal.close(value);
    expect(JSON.stringify(closed)).not.toContain(word);
    expect(seal.open(closed)).toEqual(value);
  }
});

test('a placeholder comes back as the placeholder, and the value beside it as the value', () => {
  const [placeholder, value] = [newPlaceholder('S'), 'k7#x'];
  const seal = new Seal([{ name: 'S', value, placeholder }]);
  const given = {
    a: placeholder,
    b: `x ${value} ${placeholder}`,
    c: `list: ${JSON.stringify([placeholder, value])}`,
  };
  const closed = seal.close(given);
  expect(JSON.stringify(closed)).not.toMatch(/secret:|k7#x/);
  expect(seal.open(closed)).toEqual(given);
});
