import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeUtf8 } from '../../src/runtime/utf8.ts';

test('text comes back as it was, without a byte order mark', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const decoded = decodeUtf8(Buffer.from(text, 'utf8'));
      expect(decoded).toEqual({ kind: 'text', text: text.replace(/^\ufeff/, '') });
    }),
  );
});

test('of other bytes, the place of the first that is not UTF-8 is told', () => {
  const wrong = fc.constantFrom([0xe9], [0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x98], [0xc0, 0xaf]);
  const text = fc.string({ unit: 'grapheme', maxLength: 40 });
  fc.assert(
    fc.property(text, wrong, fc.constantFrom('', ' and more'), (before, bytes, after) => {
      const given = Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);
      const lines = before.split('\n');
      expect(decodeUtf8(given)).toMatchObject({
        kind: 'notUtf8',
        trouble: { line: lines.length, column: (lines.at(-1) ?? '').length + 1, byte: bytes[0] },
      });
    }),
  );
});

test('UTF-16 is told from Latin-1', () => {
  expect(decodeUtf8(Buffer.from('\ufeffa: ä', 'utf16le'))).toMatchObject({
    trouble: { looksLike: 'UTF-16' },
  });
  expect(decodeUtf8(Buffer.from('a: ä', 'latin1'))).toMatchObject({
    trouble: { looksLike: 'Latin-1 or Windows-1252', line: 1, column: 4 },
  });
});
