/** How a secret looks in base64, and how the rows of a journal are read without touching it. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** What base64 makes of the core at each of the three places at which it can begin, without what its neighbours decide. */
export function base64Parts(core: string): string[] {
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.from('\0'.repeat(shift) + core).toString('base64');
    return encoded.slice(4, Math.floor(((shift + core.length) * 8) / 24) * 4);
  });
}

/** Every value of every table, read from a copy, so that the reader leaves the folder as it is (a page border may cut a value in the file). */
export function rowsOf(file: string): Buffer {
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
