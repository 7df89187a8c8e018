/** What was measured of the engine, its host and the journal in one run: printed, and written to docs/performance-engine.md. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
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
const rows: Measured[] = [];

/** Prints it, and gives whether it holds. */
export function note(measured: Measured): boolean {
  rows.push(measured);
  const { what, before, now, limit, holds } = measured;
  console.log(
    `${what}: ${now}${before === null ? '' : ` (before: ${before})`}; ${limit}${holds ? '' : '  NOT HELD'}`,
  );
  return holds;
}

export function writeEngineReport(): void {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
    cwd: root,
    encoding: 'utf8',
  }).trim();
  const text = `# How much the engine and its journal cost

Written by \`npm run bench\` at commit ${commit}. "Before" is the way of the version before, measured in the same run. The load of the machine at the end was ${(loadavg()[0] ?? 0).toFixed(1)};
what else ran there shows in the figures.

| what | before | now | what must hold |
| --- | --- | --- | --- |
${rows.map(({ what, before, now, limit }) => `| ${what} | ${before ?? '–'} | ${now} | ${limit} |`).join('\n')}
`;
  writeFileSync(join(root, 'docs', 'performance-engine.md'), text);
}
