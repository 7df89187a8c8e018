/** Reads a file that a person named, or says in a sentence why not. */
import { readFileSync } from 'node:fs';
import type { SourceText } from '../document/index.ts';
import { Refusal } from './refusal.ts';
import { byteName, decodeUtf8, type NotUtf8 } from './utf8.ts';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'you may not read it',
  ELOOP: 'its links lead in a circle',
  ENOTDIR: 'a part of its path is no folder',
};

/** Throws Refusal. */
export function readText(file: string): SourceText {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new Refusal('usage', 'UNREADABLE_FILE', `${file} cannot be read: ${whyUnreadable(error)}`);
  }
  const decoded = decodeUtf8(bytes);
  if (decoded.kind === 'text') return { file, text: decoded.text };
  throw notUtf8(file, decoded.trouble);
}

/** What the file system says, in words: `there is no such file`. */
export function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return reasons[code] ?? (code === '' ? String(error) : code);
}

function notUtf8(file: string, { line, column, byte, shown, looksLike }: NotUtf8): Refusal {
  const from = looksLike === 'UTF-16' ? 'UTF-16' : 'WINDOWS-1252';
  return new Refusal('usage', 'NOT_UTF8', `${file} is not UTF-8`, {
    diagnostics: [
      {
        severity: 'error',
        code: 'NOT_UTF8',
        message: `the byte ${byteName(byte)} at this place is not UTF-8`,
        file,
        start: { line, column },
        end: { line, column: column + 1 },
        hint: `It looks like ${looksLike}. Save it as UTF-8: iconv -f ${from} -t UTF-8`,
      },
    ],
    sources: [{ file, text: shown }],
  });
}
