/** A hundred ways in which a program may write down what it was given. */
import { gzipSync, deflateSync } from 'node:zlib';

type Form = (value: Buffer) => Buffer;
const text =
  (make: (value: string) => string): Form =>
  (value) =>
    Buffer.from(make(value.toString('utf8')), 'utf8');
const bytes =
  (make: (value: Buffer) => string): Form =>
  (value) =>
    Buffer.from(make(value), 'latin1');
const each = (make: (byte: number) => string, between = ''): Form =>
  bytes((value) => Array.from(value, make).join(between));
const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
const wrapped = (written: string, width: number): string =>
  written.replaceAll(new RegExp(`.{${width}}`, 'g'), '$&\n');

function base32(value: Buffer): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = Array.from(value, (byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? [])
    .map((five) => alphabet.charAt(Number.parseInt(five.padEnd(5, '0'), 2)))
    .join('');
}

const rot13 = (value: string): string =>
  value.replaceAll(/[A-Za-z]/g, (letter) => {
    const base = letter <= 'Z' ? 65 : 97;
    return String.fromCharCode(((letter.charCodeAt(0) - base + 13) % 26) + base);
  });

const simple: Readonly<Record<string, Form>> = {
  plain: (value) => value,
  base64: bytes((value) => value.toString('base64')),
  base64url: bytes((value) => value.toString('base64url')),
  hex: bytes((value) => value.toString('hex')),
  HEX: bytes((value) => value.toString('hex').toUpperCase()),
  base32: bytes(base32),
  url: text(encodeURIComponent),
  urlOfAll: each((byte) => `%${hex(byte)}`),
  json: text((value) => JSON.stringify(value)),
  jsonOfJson: text((value) => JSON.stringify(JSON.stringify(value))),
  entities: text((value) => Array.from(value, (letter) => `&#${letter.codePointAt(0)};`).join('')),
  hexEntities: text((value) =>
    Array.from(value, (letter) => `&#x${letter.codePointAt(0)?.toString(16)};`).join(''),
  ),
  escapes: text((value) =>
    value
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  ),
  octal: each((byte) => `\\${byte.toString(8).padStart(3, '0')}`),
  hexWithColons: each(hex, ':'),
  hexWithSpaces: each(hex, ' '),
  dump: bytes((value) => (value.toString('hex').match(/.{1,4}/g) ?? []).join(' ')),
  decimals: each((byte) => `${byte}`, ','),
  bits: each((byte) => byte.toString(2).padStart(8, '0')),
  utf16: (value) => Buffer.from(value.toString('utf8'), 'utf16le'),
  utf16be: (value) => Buffer.from(value.toString('utf8'), 'utf16le').swap16(),
  backwards: text((value) => Array.from(value).toReversed().join('')),
  upper: text((value) => value.toUpperCase()),
  swapped: text((value) =>
    value.replaceAll(/\p{L}/gu, (letter) =>
      letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
    ),
  ),
  rot13: text(rot13),
  spaced: text((value) => Array.from(value).join(' ')),
  lines: text((value) => Array.from(value).join('\n')),
  coloured: text((value) => `\u001B[31m${value.slice(0, 3)}\u001B[0m${value.slice(3)}`),
  decomposed: text((value) => value.normalize('NFD')),
  gzip: bytes((value) => gzipSync(value).toString('base64')),
  deflated: bytes((value) => deflateSync(value).toString('hex')),
  wrapped: bytes((value) => wrapped(value.toString('base64'), 20)),
  quoted: text((value) => `'${value.replaceAll("'", `'\\''`)}'`),
};

/** By name; `base64OfUrl` is the base64 of the URL form. */
export const forms: Readonly<Record<string, Form>> = {
  ...simple,
  ...Object.fromEntries(
    Object.entries(simple).flatMap(([name, form]) =>
      (['base64', 'hex', 'base32'] as const).map((outer): [string, Form] => [
        `${outer} of ${name}`,
        (value) => (simple[outer] as Form)(form(value)),
      ]),
    ),
  ),
};
