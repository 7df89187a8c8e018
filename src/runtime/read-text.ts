/** Reads a file that a person named, or says in a sentence why not. */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  realpathSync,
  statSync,
  type Stats,
} from 'node:fs';
import { dirname } from 'node:path';
import type { SourceText } from '../document/index.ts';
import { Refusal } from './refusal.ts';
import { distrust, type Distrust } from './trust.ts';
import { byteName, decodeUtf8, type NotUtf8 } from './utf8.ts';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'you may not read it',
  ELOOP: 'its links lead in a circle',
  ENOTDIR: 'a part of its path is not a folder',
};

/** Larger files hold no text that a person wrote. */
const textBytesMax = 16 * 1024 * 1024;

/** `own`: who may write the file, or its folder, decides what Belay does: it is refused where others may. Throws Refusal. */
export function readText(file: string, own?: { readonly env: NodeJS.ProcessEnv }): SourceText {
  const decoded = decodeUtf8(readBytes(file, own));
  if (decoded.kind === 'text') return { file, text: decoded.text };
  throw notUtf8(file, decoded.trouble);
}

/**
 * Throws Refusal. A pipe is read to its end, and a named one to which nobody writes holds nobody up; nothing else than files and pipes
 * can be read.
 */
export function readBytes(file: string, own?: { readonly env: NodeJS.ProcessEnv }): Buffer {
  try {
    if (own !== undefined) refuseForeign(file, statSync(file), own.env);
    const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(descriptor);
      if (own !== undefined) refuseForeign(file, stats, own.env);
      return readBounded(file, descriptor, stats.isFIFO() && isNamed(file));
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal('usage', 'UNREADABLE_FILE', `${file} cannot be read: ${whyUnreadable(error)}`);
  }
}

/** How long nobody may write to a named pipe, in ms. */
const silentMsMax = 3_000;
const lookAgainMs = 20;

function readBounded(file: string, descriptor: number, isNamedPipe: boolean): Buffer {
  const chunks: Buffer[] = [];
  let waitedMs = 0;
  for (let length = 0; length <= textBytesMax;) {
    const chunk = Buffer.alloc(64 * 1024);
    const read = readNow(descriptor, chunk);
    if (read === 'nothing yet' || (read === 0 && isNamedPipe && length === 0)) {
      if (isNamedPipe && waitedMs >= silentMsMax)
        throw new Refusal('usage', 'UNREADABLE_FILE', `${file} is a pipe, and nobody writes to it`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lookAgainMs);
      waitedMs += lookAgainMs;
      continue;
    }
    if (read === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, read));
    length += read;
    waitedMs = 0;
  }
  throw new Refusal('usage', 'UNREADABLE_FILE', `${file} is longer than ${textBytesMax} bytes`);
}

function readNow(descriptor: number, chunk: Buffer): number | 'nothing yet' {
  try {
    return readSync(descriptor, chunk);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return 'nothing yet';
    throw error;
  }
}

/** A pipe of a shell's own, as `<(…)` makes one, has no name. */
function isNamed(file: string): boolean {
  try {
    realpathSync(file);
    return true;
  } catch {
    return false;
  }
}

/** What the caller handed over by a pipe was his to give; a pipe of another user's, under whichever name, is not. */
function refuseForeign(file: string, stats: Stats, env: NodeJS.ProcessEnv): void {
  if (stats.isSocket() || stats.isCharacterDevice() || stats.isDirectory()) return;
  if (stats.isFIFO()) {
    const trouble = distrust(file, stats, env);
    if (trouble !== undefined) throw untrusted(file, trouble, `so ${file} was not read`);
    return;
  }
  const folder = dirname(realpathSync(file));
  const found = [
    { path: file, trouble: distrust(file, stats, env) },
    { path: folder, trouble: distrust(folder, statSync(folder), env) },
  ].find(({ trouble }) => trouble !== undefined);
  if (found?.trouble === undefined) return;
  throw untrusted(found.path, found.trouble, `so ${file} was not read`);
}

/** Throws nothing; gives what to throw. */
export function untrusted(path: string, { why, mend }: Distrust, then: string): Refusal {
  return new Refusal('usage', 'UNTRUSTED_FILE', `${path} ${why}, ${then}`, { hint: mend });
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
