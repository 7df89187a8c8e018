/** A SQLite database as SQL text, which a diff can show. */
import type { DatabaseSync } from 'node:sqlite';

export function dumpOf(database: DatabaseSync): string {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
  const tables = database
    .prepare(`SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`)
    .all();
  const lines = tables.flatMap(({ name, sql }) => [
    `${String(sql)};`,
    ...database
      .prepare(`SELECT * FROM ${String(name)}`)
      .all()
      .map((row) => `INSERT INTO ${String(name)} VALUES (${Object.values(row).map(literal).join(', ')});`),
  ]);
  return [...lines, `PRAGMA user_version = ${version};`, ''].join('\n');
}

function literal(value: unknown): string {
  if (value === null) return 'NULL';
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  throw new Error('the journal holds no other types');
}
