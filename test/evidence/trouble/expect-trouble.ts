/** What every expected failure owes a person: the published exit code, sentences, and nothing of Belay's insides. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'vitest';
import type { Said } from '../../support/command-line.ts';

/** `says`: what on what, why, what to do; each a part of stderr. */
export function expectTrouble(said: Said, code: number, ...says: readonly (string | RegExp)[]): void {
  const { stderr, stdout } = said;
  for (const part of says) {
    if (typeof part === 'string') expect(stderr).toContain(part);
    else expect(stderr).toMatch(part);
  }
  expect({ code: said.code, stderr }).toEqual({ code, stderr });
  expectNoInsides(`${stdout}\n${stderr}`);
}

/** No stack trace, no bug, no warning of Node's, no object printed as such. */
export function expectNoInsides(text: string): void {
  expect(text).not.toMatch(/^\s+at .+(?::\d+:\d+|\(native\)|<anonymous>)\)?$/m);
  expect(text).not.toMatch(
    /A bug in Belay|\(node:\d+\)|\[object Object\]|\bundefined\b|\bNaN\b|node:internal/,
  );
}

/** How many executions the state folder knows. */
export function executionsIn(state: string): number {
  const file = join(state, 'journal.db');
  if (!existsSync(file)) return 0;
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return Number(database.prepare('SELECT count(*) AS n FROM executions').get()?.['n'] ?? 0);
  } finally {
    database.close();
  }
}
