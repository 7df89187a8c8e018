import { describe, expect, test } from 'vitest';

import { compilePattern } from '../../src/document/pattern.ts';

function matches(java: string, text: string): boolean | string {
  const compiled = compilePattern(java);
  return compiled.ok ? compiled.matches(text) === 'match' : compiled.problem;
}

describe("Java's patterns", () => {
  test.each<[string, string, string]>([
    ['^arn:(?:aws|aws-cn):iam::\\d{12}:role/[\\w+=,.@-]+$', 'arn:aws:iam::111122223333:role/a-b', 'nope'],
    ['(?i)^yes$', 'YES', 'no'],
    ['^key/(?i:[0-9a-f]{8})$', 'key/ABCDEF01', 'KEY/abcdef01'],
    ['^(?!.*--)[a-z][a-z0-9-]{0,62}(?<!-)$', 'a-b', 'a--b'],
    ['\\A\\p{Alpha}+\\z', 'abc', 'ab1'],
    ['^[\\p{Upper}_]+$', 'A_B', 'a_b'],
    ['^\\P{Digit}+$', 'abc', 'a1'],
    ['^\\p{L}+$', 'äöü', '123'],
    ['^\\Qa.b\\E+$', 'a.bb', 'axb'],
    ['^[\\h]$', '\t', 'h'],
    ['^[]a]+$', ']a', 'b'],
    ['^[^]a]+$', 'b', ']'],
    ['^$|^[a-z]+$', '', 'A'],
    ['^[^"\'\\\\ ]{0,5}$', 'abc', '"'],
    ['INFO|ERROR', 'xERRORx', 'WARN'],
    ['^[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF]+$', 'a\u{1F9D7}\uE000', '\u0001'],
    ['^[ -\u{10000}\\-_\\/\\@]+$', 'a-/@_', '\t'],
    ['^[\u{10000}-\u{10FFFF}]\\:$', '\u{1F9D7}:', 'a:'],
    ['^\\{\\{ global:ACCOUNT_ID \\}\\}$|^[0-9]{12}$', '{{ global:ACCOUNT_ID }}', '{{ x }}'],
    ['^[a-zA-Z0-9-_./]{1,512}$', 'a/b-c', '#'],
  ])('%s matches %j and not %j', (java, right, wrong) => {
    expect(matches(java, right)).toBe(true);
    expect(matches(java, wrong)).toBe(false);
  });

  test.each([
    ['^(?>a+)b', 'an atomic group'],
    ['^a++b', 'a possessive quantifier'],
    ['^a{2,3}+b', 'a possessive quantifier'],
    ['^[a-z&&[^b]]$', 'intersects'],
    ['^[a[bc]]$', 'nests'],
    ['a(?i)b', 'flags in the middle'],
    ['(?x)a b', 'flags'],
    ['^\\X$', '\\X'],
    ['^[\\P{Alpha}]$', 'negates'],
    ['^[a-z', 'is not a regular expression'],
    ['^(a', 'is not a regular expression'],
    ['a\\', 'ends in a backslash'],
    ['\\p', 'without a property'],
  ])('%s is refused with its reason', (java, reason) => {
    expect(matches(java, 'x')).toContain(reason);
  });
});
