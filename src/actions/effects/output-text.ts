/**
 * What a program printed, as text. Bytes that are not UTF-8 have no place in a text: people see them as `\xe9`, and what is
 * handed on as a value may not hold any. NUL is a character: a file takes it, and whatever cannot take it says so.
 */
import { isUtf8 } from 'node:buffer';

export interface OutputText {
  readonly text: string;
  /** The first byte that is not text, counted from 0; undefined: the text holds every byte as it was. */
  readonly lost?: { readonly at: number; readonly byte: number };
}

/** `isCut`: the bytes may end in the middle of a character, which is left away. */
export function outputText(bytes: Uint8Array, isCut = false): OutputText {
  const whole = isCut ? withoutHalf(bytes) : bytes;
  const buffer = Buffer.from(whole.buffer, whole.byteOffset, whole.byteLength);
  if (isUtf8(buffer)) return { text: buffer.toString('utf8') };
  const parts: string[] = [];
  let lost: OutputText['lost'];
  let from = 0;
  for (let at = 0; at < buffer.length;) {
    const length = characterAt(buffer, at);
    if (length > 0) {
      at += length;
      continue;
    }
    const byte = buffer[at] ?? 0;
    lost ??= { at, byte };
    parts.push(buffer.toString('utf8', from, at), escaped(byte));
    at += 1;
    from = at;
  }
  parts.push(buffer.toString('utf8', from));
  return lost === undefined ? { text: parts.join('') } : { text: parts.join(''), lost };
}

/** `byte 4 is 0xe9, which is not UTF-8`. */
export function lostText({ at, byte }: NonNullable<OutputText['lost']>): string {
  return `byte ${at + 1} is 0x${hex(byte)}, which is not UTF-8 there`;
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
const escaped = (byte: number): string => `\\x${hex(byte)}`;

/** How many bytes the character has that begins there; 0: none begins there. */
function characterAt(buffer: Buffer, at: number): number {
  const first = buffer[at] ?? 0;
  if (first < 0x80) return 1;
  const length = lengthOf(first);
  if (length === 0 || at + length > buffer.length) return 0;
  return isUtf8(buffer.subarray(at, at + length)) ? length : 0;
}

/** Of a character, by its first byte (RFC 3629); 0: no character of several bytes begins with it. */
function lengthOf(first: number): number {
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

function withoutHalf(bytes: Uint8Array): Uint8Array {
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte >= 0x80 && byte < 0xc0) continue;
    return lengthOf(byte) > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}
