/** Lifecycle rules: which ones cover every object, and that adding one leaves the others to the byte. */
import { expect, it } from 'vitest';
import { covers, rulesOf, withRule } from '../../../src/actions/minio/lifecycle-rules.ts';

const rule = (inner: string) => `<Rule>${inner}</Rule>`;
const config = (...rules: readonly string[]) =>
  `<LifecycleConfiguration>${rules.join('')}</LifecycleConfiguration>`;
const expiry = '<Expiration><Days>1825</Days></Expiration>';
const on = '<Status>Enabled</Status>';

it.each([
  ['a rule for everything', `<ID>a</ID>${on}<Filter><Prefix></Prefix></Filter>${expiry}`, true],
  ['a rule without a filter', `<ID>a</ID>${on}${expiry}`, true],
  ['a rule of the old form', `<ID>a</ID><Prefix></Prefix>${on}${expiry}`, true],
  ['one that is disabled', `<ID>a</ID><Status>Disabled</Status>${expiry}`, false],
  ['one for another prefix', `<ID>a</ID>${on}<Filter><Prefix>logs/</Prefix></Filter>${expiry}`, false],
  [
    'one for objects with a tag',
    `<ID>a</ID>${on}<Filter><Tag><Key>k</Key><Value>v</Value></Tag></Filter>${expiry}`,
    false,
  ],
  [
    'one for a prefix and a tag',
    `<ID>a</ID>${on}<Filter><And><Prefix></Prefix><Tag><Key>k</Key><Value>v</Value></Tag></And></Filter>${expiry}`,
    false,
  ],
  [
    'one for large objects',
    `<ID>a</ID>${on}<Filter><ObjectSizeGreaterThan>5</ObjectSizeGreaterThan></Filter>${expiry}`,
    false,
  ],
  ['other days', `<ID>a</ID>${on}<Expiration><Days>30</Days></Expiration>`, false],
  [
    'only old versions',
    `<ID>a</ID>${on}<NoncurrentVersionExpiration><NoncurrentDays>1825</NoncurrentDays></NoncurrentVersionExpiration>`,
    false,
  ],
])('%s', (_what, inner, isCovered) => {
  expect(covers(rulesOf(config(rule(inner))), 1825, '')).toBe(isCovered);
});

it('a rule for a shorter prefix covers a longer one', () => {
  const rules = rulesOf(config(rule(`<ID>a</ID>${on}<Filter><Prefix>logs/</Prefix></Filter>${expiry}`)));
  expect([covers(rules, 1825, 'logs/2026/'), covers(rules, 1825, 'log')]).toEqual([true, false]);
});

it('a rule is added behind the others, which stay as the server wrote them', () => {
  const other = rule(
    `<ID>keep &amp; see</ID>${on}<AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload>`,
  );
  const added = withRule(config(other), { id: 'belay-expiry', days: 1825, prefix: 'a&b/' });
  expect(added).toContain(other);
  expect(rulesOf(added).map(({ id, days, prefix }) => [id, days, prefix])).toEqual([
    ['keep & see', null, ''],
    ['belay-expiry', 1825, 'a&b/'],
  ]);
});

it('a rule of the same name is replaced, and a first one makes the configuration', () => {
  const first = withRule(undefined, { id: 'r', days: 30, prefix: '' });
  expect(rulesOf(withRule(first, { id: 'r', days: 1825, prefix: '' })).map(({ days }) => days)).toEqual([
    1825,
  ]);
});

it('what is no lifecycle configuration is refused', () => {
  expect(() => rulesOf('<Error><Code>SlowDown</Code></Error>')).toThrow('no LifecycleConfiguration');
});
