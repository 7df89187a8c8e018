import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mask, Redactor } from '../../../src/runtime/secrets/redactor.ts';

const secrets = fc
  .string({ minLength: 8, maxLength: 40, unit: 'binary' })
  .filter((value) => value.trim().length >= 8 && !value.includes('*'));
const around = fc.string({ maxLength: 30, unit: 'grapheme' });

test('a secret is found in plain, JSON, URL, base64 and hexadecimal form', () => {
  const secret = 'pä"ss wörd/+=&\n line two of it';
  const redactor = new Redactor([secret]);
  const forms = [
    secret,
    JSON.stringify(secret),
    encodeURIComponent(secret),
    encodeURIComponent(secret).replaceAll('%20', '+'),
    Buffer.from(secret).toString('base64'),
    Buffer.from(secret).toString('base64url'),
    Buffer.from(secret).toString('hex'),
  ];
  for (const form of forms) {
    const shown = redactor.text(`before ${form} after`);
    expect(shown).toContain(mask);
    expect(shown.startsWith('before ') && shown.endsWith(' after')).toBe(true);
  }
});

test('a secret is found as shells, XML and programs in other languages write it', () => {
  const secret = `it's "5" <b>&amp/\\ $x \u00e4`;
  const redactor = new Redactor([secret]);
  const forms = [
    // dash -x, bash -x, printf %q
    secret.replaceAll("'", `'"'"'`),
    secret.replaceAll("'", "'\\''"),
    `it\\'s\\ \\"5\\"\\ \\<b\\>\\&amp/\\\\\\ \\$x\\ \u00e4`,
    `it&#39;s &quot;5&quot; &lt;b&gt;&amp;amp/\\ $x \u00e4`,
    `it's "5" &lt;b&gt;&amp;amp/\\ $x \u00e4`,
    JSON.stringify(secret).replace('\u00e4', '\\u00e4'),
    JSON.stringify(JSON.stringify({ secret })),
    encodeURIComponent(secret).toLowerCase(),
  ];
  for (const form of forms) {
    const shown = redactor.text(`before ${form} after`);
    expect(shown).toContain(mask);
    expect(shown).not.toContain('5');
  }
});

test('echo of /bin/sh reads escapes in a secret, and it is found all the same', () => {
  for (const [secret, printed] of [
    ['pass\\tword 1', 'pass\tword 1'],
    ['pass\\\\word 2', 'pass\\word 2'],
    ['password 3\\c and the rest', 'password 3'],
    ['pass\\0101word 4', 'passAword 4'],
    ['pass\\eword 5', 'pass\u001bword 5'],
    ['pass\\44word 6', 'pass$word 6'],
    ['pass\\7word ä', 'pass\u0007word ä'],
  ] as const)
    expect(new Redactor([secret]).text(`it is ${printed}.`)).toBe(`it is ${mask}.`);
});

test('a part that no language has as a word is found whatever escapes stand around it; words are not', () => {
  const redactor = new Redactor(['postgresql://administrator:x7Kq2mNv8RtLw4@production.example.com/"db"']);
  expect(redactor.text('<x7Kq2mNv8RtLw4>')).toBe(`<${mask}>`);
  expect(redactor.text(Buffer.from('%%x7Kq2mNv8RtLw4%%').toString('base64'))).toContain(mask);
  expect(new Redactor(['$\\xq1W2e3R4t5Y6u7']).text('$?q1W2e3R4t5Y6u7')).toBe(`$?${mask}`);
  expect(redactor.text('the administrator of production')).toBe('the administrator of production');
});

test('base64 and hexadecimal are found although a tool broke them into lines', () => {
  const secret = Array.from({ length: 40 }, (_, index) => `line ${index} of a key / ${index * 7919}`).join(
    '\n',
  );
  const redactor = new Redactor([secret]);
  for (const before of ['', 'x', 'xy']) {
    const base64 = Buffer.from(`${before}${secret}`).toString('base64');
    for (const width of [60, 64, 76, 4]) {
      for (const fold of ['\n', '\r\n', '\n    ']) {
        const folded = base64.replaceAll(new RegExp(`(.{${width}})(?=.)`, 'g'), `$1${fold}`);
        expect(redactor.text(folded).replaceAll(mask, '').length).toBeLessThan(10);
      }
    }
  }
  const hex = Buffer.from(secret)
    .toString('hex')
    .replaceAll(/(.{60})(?=.)/g, '$1\n');
  expect(redactor.text(`${hex}\n`)).toBe(`${mask}\n`);
});

test('a folded secret is found wherever the stream is cut', () => {
  const secret = 'pä"ss wörd/+=& and more than one line of it has in base64';
  const folded = Buffer.from(`x${secret}y`)
    .toString('base64')
    .replaceAll(/(.{9})(?=.)/g, '$1\r\n  ');
  const whole = new Redactor([secret]).text(folded);
  expect(whole).toContain(mask);
  for (let first = 0; first <= folded.length; first += 1) {
    for (const second of [first + 1, first + 7]) {
      const stream = new Redactor([secret]).stream();
      const bytes = Buffer.from(folded);
      const parts = [
        stream.push(bytes.subarray(0, first)),
        stream.push(bytes.subarray(first, second)),
        stream.push(bytes.subarray(second)),
        stream.end(),
      ];
      expect(Buffer.concat(parts).toString()).toBe(whole);
    }
  }
});

test('a line of a secret of several lines counts on its own, as a private key printed line by line does', () => {
  const redactor = new Redactor(['first line of it\nshort\nsecond line of it']);
  expect(redactor.text('| second line of it |')).toBe(`| ${mask} |`);
});

test('the base64 of a longer text hides the secret inside it, at whatever place it begins', () => {
  fc.assert(
    fc.property(secrets, around, around, (secret, before, after) => {
      const shown = new Redactor([secret]).text(Buffer.from(before + secret + after).toString('base64'));
      const plain = Buffer.from(shown.replaceAll(mask, ''), 'base64').toString();
      return shown.includes(mask) && !plain.includes(secret);
    }),
  );
});

test('a stream cut anywhere shows what the whole text shows', () => {
  fc.assert(
    fc.property(
      secrets,
      around,
      around,
      fc.array(fc.nat(200), { maxLength: 12 }),
      (secret, before, after, cuts) => {
        const redactor = new Redactor([secret]);
        const bytes = Buffer.from(before + secret + after + secret);
        const stream = redactor.stream();
        const parts: Uint8Array[] = [];
        let from = 0;
        for (const cut of [...cuts.sort((left, right) => left - right), bytes.length]) {
          if (cut <= from) continue;
          parts.push(stream.push(bytes.subarray(from, cut)));
          from = cut;
        }
        parts.push(stream.push(bytes.subarray(from)), stream.end());
        const shown = Buffer.concat(parts).toString();
        return shown === redactor.text(bytes.toString()) && !shown.includes(secret);
      },
    ),
  );
});

test('text without a secret goes through as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      return new Redactor(['a-secret-that-is-not-there']).text(text) === text;
    }),
  );
});
