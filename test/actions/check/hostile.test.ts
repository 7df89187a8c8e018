/**
 * Every check of hosts of the registry, given what a host that lies, breaks or is strange may say: a judge says what it was told and nothing
 * else, an answer without words is never kept, and no answer is a bug. A check that is added is looked at here by itself.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { HostCheck } from '../../../src/actions/check/define-check.ts';
import { ActionFailure, checks } from '../../../src/actions/index.ts';
import { parseFields } from '../../../src/actions/scripts/fields.ts';
import { verdictOf, type Judged } from '../../../src/compliance/index.ts';
import type { JsonObject } from '../../../src/json.ts';

const hostChecks = [...checks].flatMap(([name, check]) =>
  check.scope === 'hosts' ? [[name, check] as const] : [],
);
const now = Date.parse('2026-12-01T00:00:00Z');

function inputsOf(check: HostCheck): JsonObject {
  const [step] = parse(check.action.example) as readonly { readonly inputs: JsonObject }[];
  const { Hosts: _, ...inputs } = step?.inputs ?? {};
  return check.expand(inputs, {
    targets: () => ['n1', 'n2'],
    host: (name) => ({ name, address: '10.0.0.1' }) as never,
  });
}

/** What may stand behind a `say` in its probe. */
const keysOf = (check: HostCheck, inputs: JsonObject): string[] => [
  ...new Set(
    [...check.probe(inputs).body.matchAll(/\b(?:say|lines) "?([A-Za-z][A-Za-z0-9-]*)/g)].map(
      ([, key = '']) => key,
    ),
  ),
];

function judge(check: HostCheck, inputs: JsonObject, lines: readonly string[]): readonly Judged[] {
  try {
    const answer = { kind: 'said', fields: parseFields(lines.join('\n')) } as const;
    return check.judge(answer, inputs, { from: now, until: now + 100 });
  } catch (error) {
    if (!(error instanceof ActionFailure)) throw error;
    return [{ kind: 'unknown', subject: '', code: error.code, reason: error.message }];
  }
}

describe.each(hostChecks)('%s', (_name, check) => {
  const inputs = inputsOf(check);
  const keys = keysOf(check, inputs);
  test('is not kept by an answer without any words, nor by words without any sense', () => {
    for (const lines of [[], ...keys.map((key) => [`${key}=`]), keys.map((key) => `${key}=?`)])
      expect([lines, verdictOf(judge(check, inputs, lines))]).not.toEqual([lines, 'COMPLIANT']);
  });

  test('makes something of any answer, and is never a bug', () => {
    const value = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc.constantFrom(
        'yes',
        'no',
        'absent',
        'there',
        'is',
        '-',
        '0',
        '-1',
        '9'.repeat(40),
        'NaN',
        '|',
        '||||',
        'on off',
      ),
      fc.string({ unit: 'binary', maxLength: 20 }),
    );
    const line = fc.tuple(fc.constantFrom(...keys, 'nothing'), value).map(([key, text]) => `${key}=${text}`);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
        for (const judged of judge(check, inputs, lines))
          expect(['kept', 'broken', 'unknown']).toContain(judged.kind);
      }),
      { numRuns: 100 },
    );
  });
});
