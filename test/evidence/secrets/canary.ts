/**
 * Secrets that are easy to find again: what stands in the middle of each has only letters and digits, so it looks the same in
 * plain, JSON, URL, XML and shell text; around it are characters that look different in each. The search knows nothing
 * of Belay's own redactor.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

export interface Canary {
  readonly value: string;
  /** Parts that give the secret away. */
  readonly cores: readonly string[];
}

export function password(): Canary {
  // Behind the backslash no c: the echo of /bin/sh takes it as the end of all that it prints.
  const cores = [word(), word().replace(/^c/, 'd')];
  return { value: `p"ä/${cores[0]}+ =%&'$x\\${cores[1]}<é>?#`, cores };
}

/** A private key as a file holds it: each third line of it gives it away. */
export function privateKey(): Canary {
  const { privateKey: value } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const lines = value.split('\n').filter((line) => /^[A-Za-z0-9+/]{64}$/.test(line));
  const cores = lines.filter((_, index) => index % 3 === 1).map((line) => line.slice(20, 44));
  return { value, cores };
}

function word(): string {
  return randomBytes(24)
    .toString('base64')
    .replaceAll(/[^A-Za-z0-9]/g, '')
    .slice(0, 16);
}

/** How the canaries can be read out of the bytes; empty: not at all. */
export function readable(bytes: Buffer, canaries: readonly Canary[]): string[] {
  const text = bytes.toString('latin1');
  const joined = text.replaceAll(/\s+/g, '');
  const lower = joined.toLowerCase();
  return canaries.flatMap(({ cores }) =>
    cores.flatMap((core) => [
      ...(text.includes(core) || joined.includes(core) ? [`${core} in plain`] : []),
      ...(lower.includes(Buffer.from(core).toString('hex')) ? [`${core} in hex`] : []),
      ...base64Parts(core)
        .filter((part) => joined.includes(part))
        .map((part) => `${core} in base64 as ${part}`),
      ...(joined.includes(Array.from(core).toReversed().join('')) ? [`${core} backwards`] : []),
    ]),
  );
}

/** What base64 makes of the core at each of the three places at which it can begin, without what its neighbours decide. */
export function base64Parts(core: string): string[] {
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.from('\0'.repeat(shift) + core).toString('base64');
    return encoded.slice(4, Math.floor(((shift + core.length) * 8) / 24) * 4);
  });
}

/** Every file below the folder, and every value of every table of its databases (a page border may cut a value in the file). */
export function readableInFolder(folder: string, canaries: readonly Canary[]): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .flatMap((file) => {
      const found = readable(readFileSync(file), canaries);
      const inRows = file.endsWith('journal.db') ? readable(rowsOf(file), canaries) : [];
      return [...found, ...inRows].map((what) => `${relative(folder, file)}: ${what}`);
    });
}

/** Read from a copy, so that the reader leaves the folder as it is. */
function rowsOf(file: string): Buffer {
  const copy = mkdtempSync(join(tmpdir(), 'belay-rows-'));
  for (const end of ['', '-wal']) {
    try {
      cpSync(`${file}${end}`, join(copy, `journal.db${end}`));
    } catch {
      // There is a log only while somebody has the journal open.
    }
  }
  const database = new DatabaseSync(join(copy, 'journal.db'));
  try {
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    const rows = tables.flatMap(({ name }) => database.prepare(`SELECT * FROM "${String(name)}"`).all());
    return Buffer.from(rows.map((row) => Object.values(row).join('\n')).join('\n'));
  } finally {
    database.close();
    rmSync(copy, { recursive: true, force: true });
  }
}
