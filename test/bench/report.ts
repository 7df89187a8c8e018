/** What was measured in one run: printed, and written to docs/performance.md, a section for each subject. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';

export interface Measured {
  readonly what: string;
  /** The same the way it was done before, in the same run; null: there was no such way. */
  readonly before: string | null;
  readonly now: string;
  /** What must hold. */
  readonly limit: string;
  readonly holds: boolean;
}

const root = join(import.meta.dirname, '..', '..');
let rows: Measured[] = [];

/** Prints it, and gives whether it holds. */
export function note(measured: Measured): boolean {
  rows.push(measured);
  const { what, before, now, limit, holds } = measured;
  console.log(
    `${what}: ${now}${before === null ? '' : ` (before: ${before})`}; ${limit}${holds ? '' : '  NOT HELD'}`,
  );
  return holds;
}

/** The sections of docs/performance.md, by their titles. */
export type Section =
  | 'Executions that wait'
  | 'A rollback of local targets'
  | 'Calls to hosts'
  | 'Large inputs'
  | 'The engine and its journal';

const file = join(root, 'docs', 'performance.md');

/** In the place of the section as it was; the others stay. `text`: without the title. */
export function writeSection(title: Section, text: string): void {
  const [head = '', ...sections] = readFileSync(file, 'utf8').split(/^(?=## )/m);
  const isThis = (section: string): boolean => section.startsWith(`## ${title}\n`);
  const written = `## ${title}\n\n${text.trim()}\n`;
  const others = sections.filter((section) => !isThis(section)).map((section) => `${section.trim()}\n`);
  const found = sections.findIndex(isThis);
  const at = found === -1 ? sections.length : found;
  writeFileSync(file, [`${head.trim()}\n`, ...others.toSpliced(at, 0, written)].join('\n'));
}

export function commitNow(): string {
  const words = ['rev-parse', '--short', 'HEAD'];
  return execFileSync('git', words, { cwd: root, encoding: 'utf8' }).trim();
}

/** What was noted since the last report. */
export function writeReport(section: Section): void {
  const table = rows.map(
    ({ what, before, now, limit, holds }) =>
      `| ${what} | ${before ?? '–'} | ${now} | ${limit}${holds ? '' : ': **not held**'} |`,
  );
  rows = [];
  writeSection(
    section,
    `Written by \`npm run bench\` at commit ${commitNow()}, in one run. "Before" is the way of the version before, or what is said there, measured in the same run.
The load of the machine at the end was ${(loadavg()[0] ?? 0).toFixed(1)}; what else ran there shows in the figures.

| what | before | now | what must hold |
| --- | --- | --- | --- |
${table.join('\n')}`,
  );
}
