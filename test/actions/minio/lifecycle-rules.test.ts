/** Lifecycle rules: which ones cover every object, and that adding one leaves the others to the byte. */
import { expect, it } from 'vitest';
import {
  earlierIn,
  gapsIn,
  rulesOf,
  takenBack,
  withRule,
} from '../../../src/actions/minio/lifecycle-rules.ts';

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
  const wanted = { days: 1825, prefix: '', versioning: 'off', lockDays: undefined } as const;
  expect(gapsIn(rulesOf(config(rule(inner))), wanted).length === 0).toBe(isCovered);
});

it('a rule for a shorter prefix covers a longer one', () => {
  const rules = rulesOf(config(rule(`<ID>a</ID>${on}<Filter><Prefix>logs/</Prefix></Filter>${expiry}`)));
  const isCovered = (prefix: string) =>
    gapsIn(rules, { days: 1825, prefix, versioning: 'off', lockDays: undefined }).length === 0;
  expect([isCovered('logs/2026/'), isCovered('log')]).toEqual([true, false]);
});

it('a rule is added behind the others, which stay as the server wrote them', () => {
  const other = rule(
    `<ID>keep &amp; see</ID>${on}<AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload>`,
  );
  const added = withRule(config(other), {
    id: 'belay-expiry',
    days: 1825,
    prefix: 'a&b/',
    versioning: 'off',
  });
  expect(added).toContain(other);
  expect(rulesOf(added).map(({ id, days, prefix }) => [id, days, prefix])).toEqual([
    ['keep & see', null, ''],
    ['belay-expiry', 1825, 'a&b/'],
  ]);
});

it('a prefix is put as it is, whatever its characters mean to a replacement', () => {
  const other = config(rule(`<ID>other</ID>${on}<Expiration><Days>365</Days></Expiration>`));
  const prefix = `$& $$ $' $\` a&b/`;
  const added = rulesOf(withRule(other, { id: 'r', days: 30, prefix, versioning: 'off' }));
  expect(added.map((rule) => rule.prefix)).toEqual([...rulesOf(other).map((rule) => rule.prefix), prefix]);
});

it('a rule of the same name is replaced, and a first one makes the configuration', () => {
  const first = withRule(undefined, { id: 'r', days: 30, prefix: '', versioning: 'off' });
  expect(
    rulesOf(withRule(first, { id: 'r', days: 1825, prefix: '', versioning: 'off' })).map(({ days }) => days),
  ).toEqual([1825]);
});

it('what is no lifecycle configuration is refused', () => {
  expect(() => rulesOf('<Error><Code>SlowDown</Code></Error>')).toThrow('no LifecycleConfiguration');
});

const old = (days: number, more = '') =>
  `<NoncurrentVersionExpiration><NoncurrentDays>${days}</NoncurrentDays>${more}</NoncurrentVersionExpiration>`;
it.each([
  ['no rules at all', [], ['it has no rules', 'its old versions never expire']],
  ['expiry that only lays a marker over the object', [`${on}${expiry}`], ['its old versions never expire']],
  ['a rule for old versions beside it', [`${on}${expiry}`, `${on}${old(30)}`], []],
  ['both in one rule', [`${on}${expiry}${old(30)}`], []],
  [
    'old versions that stay longer',
    [`${on}${expiry}${old(2000)}`],
    ['its old versions expire after 2000 days'],
  ],
  [
    'old versions of which some are kept',
    [`${on}${expiry}${old(30, '<NewerNoncurrentVersions>3</NewerNoncurrentVersions>')}`],
    ['3 old versions of each object are kept for ever'],
  ],
  [
    'a rule for old versions of some objects',
    [`${on}${expiry}`, `${on}<Filter><Prefix>logs/</Prefix></Filter>${old(30)}`],
    ['its old versions never expire'],
  ],
  [
    'a rule for old versions that is disabled',
    [`${on}${expiry}`, `<Status>Disabled</Status>${old(30)}`],
    ['its old versions never expire'],
  ],
])('where versions are kept, %s', (_what, rules, gaps) => {
  for (const versioning of ['enabled', 'suspended'] as const) {
    const wanted = { days: 1825, prefix: '', versioning, lockDays: undefined };
    expect(gapsIn(rules.length === 0 ? [] : rulesOf(config(...rules.map(rule))), wanted)).toEqual(gaps);
  }
});

it('says of rules that are there what they do, not that there are none', () => {
  const gapsOf = (...rules: readonly string[]) =>
    gapsIn(rulesOf(config(...rules.map(rule))), {
      days: 1825,
      prefix: '',
      versioning: 'off',
      lockDays: undefined,
    });
  expect(gapsOf(`${on}<Expiration><Days>365</Days></Expiration>`)).toEqual([
    'its objects expire after 365 days',
  ]);
  expect(gapsOf(`${on}<Filter><Prefix>tmp/</Prefix></Filter>${expiry}`)).toEqual([
    'only some of its objects expire',
  ]);
});

it('an object lock that keeps versions longer than they may stay is a gap', () => {
  const rules = rulesOf(config(rule(`${on}${expiry}${old(30)}`)));
  const gapsWith = (lockDays: number) =>
    gapsIn(rules, { days: 1825, prefix: '', versioning: 'enabled', lockDays });
  expect(gapsWith(1825)).toEqual([]);
  expect(gapsWith(3650)).toEqual(['its object lock keeps every version 3650 days']);
});

it('a rule that is added where versions are kept takes the old ones, too', () => {
  const wanted = { days: 1825, prefix: '', versioning: 'enabled', lockDays: undefined } as const;
  expect(gapsIn(rulesOf(withRule(undefined, { id: 'a', ...wanted })), wanted)).toEqual([]);
});

it('of several rules for the same objects the shortest counts, whichever is ours', () => {
  const wanted = { days: 1825, prefix: '', versioning: 'off', lockDays: undefined } as const;
  const days = (count: number) => rule(`${on}<Expiration><Days>${count}</Days></Expiration>`);
  const gapsOf = (...counts: readonly number[]) => gapsIn(rulesOf(config(...counts.map(days))), wanted);
  expect(gapsOf(1825, 365)).toEqual(['its objects expire after 365 days']);
  expect(gapsOf(365, 1825, 30)).toEqual(['its objects expire after 30 days']);
  expect(gapsOf(1825, 3650)).toEqual([]);
  expect(gapsOf(3650)).toEqual(['its objects expire after 3650 days']);
  const added = withRule(config(days(365)), {
    id: 'belay-expiry',
    days: 1825,
    prefix: '',
    versioning: 'off',
  });
  expect(gapsIn(rulesOf(added), wanted)).toEqual(['its objects expire after 365 days']);
});

it('a rule that removes everything from a day on is a gap, also beside the right one', () => {
  const wanted = { days: 1825, prefix: '', versioning: 'off', lockDays: undefined } as const;
  const dated = rule(`<ID>end</ID>${on}<Expiration><Date>2027-01-01T00:00:00Z</Date></Expiration>`);
  const why = 'its rule end removes all of its objects from 2027-01-01 on, however new they are';
  expect(gapsIn(rulesOf(config(rule(`${on}${expiry}`), dated)), wanted)).toEqual([why]);
  expect(gapsIn(rulesOf(config(dated)), wanted)).toEqual([
    'none of its rules expires objects after days',
    why,
  ]);
});

it('what expires earlier, by a prefix or a tag, is told, and no gap', () => {
  const wanted = { days: 1825, prefix: '', versioning: 'off', lockDays: undefined } as const;
  const rules = rulesOf(
    config(
      rule(`<ID>all</ID>${on}${expiry}`),
      rule(`<ID>tmp</ID>${on}<Filter><Prefix>tmp/</Prefix></Filter><Expiration><Days>7</Days></Expiration>`),
      rule(
        `<ID>old</ID>${on}<Filter><Prefix>old/</Prefix></Filter><Expiration><Days>3650</Days></Expiration>`,
      ),
      rule(
        `<ID>tagged</ID>${on}<Filter><Tag><Key>k</Key><Value>v</Value></Tag></Filter><Expiration><Days>30</Days></Expiration>`,
      ),
      rule(
        `<ID>off</ID><Status>Disabled</Status><Filter><Prefix>a/</Prefix></Filter><Expiration><Days>1</Days></Expiration>`,
      ),
    ),
  );
  expect(gapsIn(rules, wanted)).toEqual([]);
  expect(earlierIn(rules, wanted)).toEqual([
    'all under tmp/ after 7 days',
    'those of its rule tagged after 30 days',
  ]);
  expect(earlierIn(rules, { ...wanted, prefix: 'docs/' })).toEqual([
    'those of its rule tagged after 30 days',
  ]);
});

it.each([
  ['none', undefined],
  ['others', config(rule(`<ID>own</ID>${on}<Expiration><Days>7</Days></Expiration>`))],
  ['one of the same id', config(rule(`<ID>ours</ID>${on}<Expiration><Days>7</Days></Expiration>`))],
])(
  'taken back where %s stood before, the rules are as they were; what somebody added since stays',
  (_, was) => {
    const put = { id: 'ours', days: 1825, prefix: '' };
    const now = withRule(was, { ...put, versioning: 'enabled' });
    expect(takenBack(now, was, put)).toEqual({ kind: 'rules', xml: was });

    const theirs = rule(`<ID>theirs</ID>${on}<Expiration><Days>30</Days></Expiration>`);
    const more = now.replace('</LifecycleConfiguration>', `${theirs}</LifecycleConfiguration>`);
    const left = takenBack(more, was, put);
    const idsOf = (xml: string | undefined) =>
      xml === undefined ? [] : rulesOf(xml).map(({ id, days }) => `${id} ${days}`);
    expect(left.kind).toBe('rules');
    expect(idsOf(left.kind === 'rules' ? left.xml : '').toSorted()).toEqual(
      [...idsOf(was), 'theirs 30'].toSorted(),
    );
  },
);

it('a rule of ours that somebody has changed or removed since is theirs', () => {
  const put = { id: 'ours', days: 1825, prefix: '' };
  const now = withRule(undefined, { ...put, versioning: 'off' });
  expect(takenBack(undefined, undefined, put)).toEqual({ kind: 'theirs' });
  expect(takenBack(config(), undefined, put)).toEqual({ kind: 'theirs' });
  expect(takenBack(now.replace('1825', '3650'), undefined, put)).toEqual({ kind: 'theirs' });
  expect(takenBack(now.replace('Enabled', 'Disabled'), undefined, put)).toEqual({ kind: 'theirs' });
  expect(takenBack(now, undefined, { ...put, prefix: 'docs/' })).toEqual({ kind: 'theirs' });
});

it('rules that somebody removed since do not come back with ours taken out', () => {
  const put = { id: 'ours', days: 1825, prefix: '' };
  const was = config(rule(`<ID>own</ID>${on}<Expiration><Days>7</Days></Expiration>`));
  const now = withRule(undefined, { ...put, versioning: 'off' });
  expect(takenBack(now, was, put)).toEqual({ kind: 'rules', xml: undefined });
});
