/** Bytes from outside → text. What is not UTF-8 is refused with its place: a guess would change the bytes that arrive. */
import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';

export type Decoded =
  /** Without a byte order mark. */
  { readonly kind: 'text'; readonly text: string } | { readonly kind: 'notUtf8'; readonly trouble: NotUtf8 };

export interface NotUtf8 {
  /** 1-based; columns count characters. */
  readonly line: number;
  readonly column: number;
  readonly byte: number;
  /** The text with each byte that is not UTF-8 as a replacement character. */
  readonly shown: string;
  /** What the bytes look like: `UTF-16`. */
  readonly looksLike: 'UTF-16' | 'Latin-1 or Windows-1252';
}

export function decodeUtf8(bytes: Uint8Array): Decoded {
  const shown = Buffer.from(bytes).toString('utf8');
  if (isUtf8(bytes)) return { kind: 'text', text: shown.replace(/^\ufeff/, '') };
  const offset = firstWrong(bytes);
  const before = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, offset));
  const lines = before.split('\n');
  const [first, second] = bytes;
  const isWide = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  return {
    kind: 'notUtf8',
    trouble: {
      line: lines.length,
      column: (lines.at(-1) ?? '').length + 1,
      byte: bytes[offset] ?? 0,
      shown,
      looksLike: isWide ? 'UTF-16' : 'Latin-1 or Windows-1252',
    },
  };
}

/** How many bytes from the beginning are UTF-8: by halves, as a beginning may end within a character. */
function firstWrong(bytes: Uint8Array): number {
  let good = 0;
  let wrong = bytes.length;
  while (wrong - good > 1) {
    const middle = good + Math.floor((wrong - good) / 2);
    if (isBeginning(bytes.subarray(0, middle))) good = middle;
    else wrong = middle;
  }
  return characterAt(bytes, good);
}

function isBeginning(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** Where the character begins of which so many bytes are good, and the next one is not. */
function characterAt(bytes: Uint8Array, good: number): number {
  let place = good;
  while (place > 0 && !isUtf8(bytes.subarray(0, place))) place -= 1;
  return place;
}

/** `0xE9` */
export function byteName(byte: number): string {
  return `0x${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

/**
 * Node gives arguments and environment as text, with U+FFFD for what is not UTF-8. Whether the bytes behind such a text are
 * the text's own; true where the system does not tell.
 */
export function isAsGiven(text: string, file: '/proc/self/cmdline' | '/proc/self/environ'): boolean {
  if (!text.includes('\ufffd')) return true;
  try {
    const given = readFileSync(file);
    return isUtf8(given) || given.includes(Buffer.from(text, 'utf8'));
  } catch {
    return true;
  }
}
