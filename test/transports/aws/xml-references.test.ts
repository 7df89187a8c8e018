import { parseXML } from '@aws-sdk/xml-builder';
import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeOutReferences } from '../../../src/transports/aws/xml-references.ts';

const written = (text: string): string =>
  Buffer.from(writeOutReferences(new Uint8Array(Buffer.from(text)))).toString('utf8');

describe('a reference to a character beyond U+FFFF', () => {
  it.each([
    ['<a>&#119070;</a>', '<a>𝄞</a>'],
    ['<a b="&#x1D11E;">&#x1f600;</a>', '<a b="𝄞">😀</a>'],
    ['<a><![CDATA[&#119070;]]>&#119070;</a>', '<a><![CDATA[&#119070;]]>𝄞</a>'],
    ['<a>&#65; &#xFFFF; &#1114112; &#9999999; &amp;#119070;</a>', undefined],
    ['<a><![CDATA[&#119070;', undefined],
  ])('is written out, and nothing else is: %s', (text, expected = text) => {
    expect(written(text)).toBe(expected);
  });

  it('then reads as it was meant', () => {
    assert(
      property(
        string({ unit: 'grapheme', minLength: 1 }).filter((text) => text.trim() === text),
        (text) => {
          const escaped = text.replaceAll(/./gsu, (letter) => `&#${letter.codePointAt(0)};`);
          expect(parseXML(written(`<a>${escaped}</a>`))).toEqual({ a: text });
        },
      ),
    );
  });
});
