/** Reads a file that a person named, or says in a sentence why not. */
import { readFileSync } from 'node:fs';
import type { SourceText } from '../document/index.ts';
import { Refusal } from './refusal.ts';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'you may not read it',
};

export function readText(file: string): SourceText {
  try {
    return { file, text: readFileSync(file, 'utf8') };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new Refusal('usage', 'UNREADABLE_FILE', `${file} cannot be read: ${reasons[code] ?? code}`);
  }
}
