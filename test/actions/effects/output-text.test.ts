/** What a program printed as text: what is no UTF-8 is shown as escapes, and nobody takes it for what was printed. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lostText, outputText } from '../../../src/actions/effects/output-text.ts';

const bytes = (...parts: readonly (string | number)[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part))));

test('every text comes back as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(outputText(Buffer.from(text))).toEqual({ text });
    }),
  );
});

test('bytes that are no UTF-8 are escapes, and the first is told', () => {
  expect(outputText(bytes('na', 0xef, 've é\n'))).toEqual({
    text: 'na\\xefve é\n',
    lost: { at: 2, byte: 0xef },
  });
  expect(outputText(bytes('a', 0, 0xef, 'b'))).toEqual({ text: 'a\0\\xefb', lost: { at: 2, byte: 0xef } });
  // Half a surrogate, a form that is too long, and a character that is cut off.
  expect(outputText(bytes(0xed, 0xa0, 0x80)).text).toBe('\\xed\\xa0\\x80');
  expect(outputText(bytes(0xc0, 0xaf)).text).toBe('\\xc0\\xaf');
  expect(outputText(bytes('x', 0xe2, 0x82)).text).toBe('x\\xe2\\x82');
  expect(lostText({ at: 2, byte: 0xef })).toBe('byte 3 is 0xef, which is not UTF-8 there');
});

test('a replacement character that was printed is one', () => {
  expect(outputText(Buffer.from('\ufffd'))).toEqual({ text: '\ufffd' });
});

test('where the output was cut, half a character at its end is nobody’s fault', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.nat(), (text, at) => {
      const whole = Buffer.from(text);
      const cut = outputText(whole.subarray(0, at % (whole.length + 1)), true);
      expect(cut.lost).toBeUndefined();
      expect(text.startsWith(cut.text)).toBe(true);
    }),
  );
});

test('whatever was printed, what is no escape is in its place', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (any) => {
      const { text, lost } = outputText(any);
      expect(lost === undefined).toBe(Buffer.from(text).equals(Buffer.from(any)));
      expect(text.isWellFormed()).toBe(true);
    }),
  );
});
