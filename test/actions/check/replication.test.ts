/** What check:postgresql makes of what a primary and a standby say of one another, above all when one of them says nothing. */
import { expect, test } from 'vitest';
import { checkPostgresql } from '../../../src/actions/check/postgresql.ts';
import { parseFields } from '../../../src/actions/scripts/fields.ts';
import type { JsonObject } from '../../../src/json.ts';

function judged(lines: readonly string[], inputs: JsonObject): string[] {
  const isStandby = lines.some((line) => line.startsWith('lag='));
  const facts = `facts=150018|15.18|${isStandby ? 't' : 'f'}`;
  const answer = { kind: 'said', fields: parseFields([facts, ...lines].join('\n')) } as const;
  return checkPostgresql
    .judge(answer, inputs, { from: 0, until: 1 })
    .slice(1)
    .map((each) => `${each.kind} ${each.subject}: ${each.kind === 'unknown' ? each.code : each.found}`);
}
const listed = (...standbys: readonly string[]): string[] => [
  ...standbys.map((each) => `standby=${each}`),
  'standbys=listed',
];

test.each([
  ['caught up', 'db2|10.0.0.2|streaming|0|0', 'kept standby db2 at 10.0.0.2: 0.0 s behind'],
  [
    'behind by its own words',
    'db2|10.0.0.2|streaming|9.5|0.1',
    'broken standby db2 at 10.0.0.2: 9.5 s behind',
  ],
  [
    'behind, with the last word long ago',
    'db2|10.0.0.2|streaming|0.05|29.2',
    'unknown standby db2 at 10.0.0.2: NO_ANSWER',
  ],
  ['no number', 'db2|10.0.0.2|streaming|soon|0', 'unknown standby db2 at 10.0.0.2: NO_ANSWER'],
  ['half a line', 'db2|10.0.0.2|streaming', 'unknown standby db2 at 10.0.0.2: NO_ANSWER'],
  ['catching up', 'db2|10.0.0.2|catchup|0|0', 'broken standby db2 at 10.0.0.2: catchup'],
])('a standby that is %s', (_what, line, expected) => {
  expect(judged(listed(line), { MaxLagSeconds: 5 })).toEqual([expected]);
});

test('a primary that did not list its standbys knows none', () => {
  expect(judged([], { MaxLagSeconds: 5 })).toEqual(['unknown standbys: NO_ANSWER']);
});

test.each([
  ['0|3', 'kept lag: 0.0 s'],
  ['45.5|3', 'broken lag: 45.5 s'],
  ['0|300', 'unknown lag: NO_ANSWER'],
  ['unknown|0', 'unknown lag: NO_ANSWER'],
  ['', 'unknown lag: NO_ANSWER'],
  ['no-receiver|0', 'broken replication: not connected to its primary'],
])('a standby that says %j of itself', (said, expected) => {
  expect(judged([`lag=${said}`], { MaxLagSeconds: 5 })).toEqual([expected]);
});
