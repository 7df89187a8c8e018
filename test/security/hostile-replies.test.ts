/** Replies of AWS with members missing, exchanged, absurd or of another type: each is a failure with words, and never a bug of Belay's. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { actions } from '../../src/actions/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../src/json.ts';
import { casesOf, runCase } from '../actions/aws/support/cases.ts';
import { NotDone } from '../support/action-bed.ts';

const strange: readonly Json[] = [
  null,
  true,
  0,
  -1,
  1e308,
  9_007_199_254_740_992,
  '',
  '\u0000',
  '__proto__',
  '\u001B[2J',
  '{{ global:DATE }}',
  'a'.repeat(100_000),
  'NaN',
  '9999-99-99T99:99:99Z',
  [],
  {},
  [null],
  [[]],
  [{}],
  { constructor: 'x', toString: null },
];

/** One member of the reply, by chance at any depth, is left out, doubled or exchanged. */
function damaged(reply: JsonObject, choose: (below: number) => number): JsonObject {
  const copy = structuredClone(reply) as Record<string, Json>;
  const places: { readonly of: Record<string, Json> | Json[]; readonly key: string | number }[] = [];
  const walk = (value: Json): void => {
    const entries: [string | number, Json][] = Array.isArray(value)
      ? value.map((item: Json, index) => [index, item])
      : isJsonObject(value)
        ? Object.entries(value)
        : [];
    for (const [key, member] of entries) {
      if (key === 'ResponseMetadata') continue;
      places.push({ of: value as Json[], key });
      walk(member);
    }
  };
  walk(copy);
  const place = places[choose(places.length)];
  if (place === undefined) return copy;
  const { of, key } = place;
  const how = choose(strange.length + 2);
  if (how === strange.length && !Array.isArray(of)) Reflect.deleteProperty(of, key);
  else if (how === strange.length + 1 && Array.isArray(of)) of.push(structuredClone(of[Number(key)] ?? null));
  else (of as Record<string, Json>)[key] = structuredClone(strange[how % strange.length] ?? null);
  return copy;
}

/** What is asked for ever ends after so long, in ms of the modelled world. */
const timeoutMs = 2 * 60_000;

const all = [...actions.values()].flatMap((action) =>
  casesOf(action.name).map(({ title, file }) => ({ action, title, file })),
);

describe('a hostile AWS', () => {
  test('is told from a bug, whatever it answers', { timeout: 120_000 }, async () => {
    expect(all.length).toBeGreaterThan(40);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(all.length - 1),
        fc.infiniteStream(fc.nat()),
        fc.integer({ min: 1, max: 4 }),
        async (index, chances, often) => {
          const found = all[index];
          if (found === undefined) throw new Error('there is no such case');
          const { action, title, file } = found;
          const choose = (below: number): number => (chances.next().value ?? 0) % Math.max(1, below);
          const replying = (reply: JsonObject): JsonObject =>
            choose(often) === 0 ? damaged(reply, choose) : reply;
          const { faults: _faults, ...usual } = file;
          const ended = await runCase(action, usual, replying, { timeoutMs }).catch((error: unknown) => {
            if (error instanceof NotDone) return undefined;
            throw new Error(`${action.name}, ${title}: ${String(error)}`, { cause: error });
          });
          if (ended !== undefined) expect(JSON.stringify(ended.ending).length).toBeLessThan(1_000_000);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
