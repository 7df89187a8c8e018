/** docs/runbooks.md: what each shipped runbook does, refuses and undoes, in the words of its own opening, and the tests that verify it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runbookSystems, type RunbookRow } from './runbook-rows.ts';

const headings = ['What it does', 'What it refuses', 'How it undoes', 'No way back'] as const;
type Heading = (typeof headings)[number];

export interface Verification {
  /** From the repository's root. */
  readonly file: string;
  /** What its tests say, in their words. */
  readonly titles: readonly string[];
}

/** Rows whose runbook is not there are named as missing. */
export function runbooksPage(root: string): string {
  const overview = runbookSystems.flatMap(({ system, rows }) =>
    rows.map(({ asked, runbook }) => {
      const link = isShipped(root, runbook)
        ? `[\`${runbook}\`](#${anchor(runbook)})`
        : `\`${runbook}\`: missing`;
      return `| ${system.slice(0, 2)} | ${asked} | ${link} |`;
    }),
  );
  const sections = runbookSystems.flatMap(({ system, rows }) => {
    const shipped = rows.filter(({ runbook }) => isShipped(root, runbook));
    return shipped.length === 0 ? [] : [`## ${system}\n`, ...shipped.map((row) => section(root, row))];
  });
  return [
    '# Runbooks\n',
    'What the systems that Belay is built for ask of it, and the runbook that does it; then each runbook in the words of its own opening, and',
    'the tests that verify it, on the hosts, clusters and endpoints of the lab (`test/lab/`).\n',
    `| System | Asked for | Runbook |\n|---|---|---|\n${overview.join('\n')}\n`,
    ...sections,
  ].join('\n');
}

export function isShipped(root: string, runbook: string): boolean {
  return existsSync(join(root, 'runbooks', `${runbook}.yaml`));
}

/** The tests that verify a runbook; files that the row names and that are not there are left out. */
export function verificationsOf(root: string, { runbook, verifiedBy = [] }: RunbookRow): Verification[] {
  const named = new RegExp(`(?:^|[\\s/(])${runbook}(?![\\w-])`);
  const opened = testFiles(root).filter((file) => runbook.includes('/') && named.test(openingOf(root, file)));
  return [...new Set([...opened, ...verifiedBy])]
    .filter((file) => existsSync(join(root, file)))
    .toSorted()
    .map((file) => ({ file, titles: titlesIn(readFileSync(join(root, file), 'utf8')) }));
}

function section(root: string, row: RunbookRow): string {
  const opening = runbookOpening(readFileSync(join(root, 'runbooks', `${row.runbook}.yaml`), 'utf8'));
  const said = headings.map((heading) => `**${heading}.** ${prose(opening[heading])}\n`);
  const tests = verificationsOf(root, row).flatMap(({ file, titles }) => [
    `- [\`${file}\`](../${file})`,
    ...titles.map((title) => `  - ${prose(title)}`),
  ]);
  return [
    `### ${row.runbook}\n`,
    `${row.asked}: [\`runbooks/${row.runbook}.yaml\`](../runbooks/${row.runbook}.yaml)\n`,
    ...said,
    tests.length === 0 ? 'No test verifies it.\n' : `**Verified by**\n\n${tests.join('\n')}\n`,
  ].join('\n');
}

/** The four paragraphs with which a shipped runbook opens. */
export function runbookOpening(text: string): Readonly<Record<Heading, string>> {
  const found: Record<Heading, string> = {
    'What it does': '',
    'What it refuses': '',
    'How it undoes': '',
    'No way back': '',
  };
  let under: Heading | undefined;
  for (const line of text.split('\n')) {
    if (!line.startsWith('#')) break;
    const words = line.slice(1).trim();
    const heading = headings.find((one) => words.startsWith(one));
    if (words === '') under = undefined;
    else if (heading !== undefined) under = heading;
    if (under !== undefined)
      found[under] += ` ${heading === undefined ? words : words.slice(heading.length).trim()}`;
  }
  return found;
}

function testFiles(root: string): string[] {
  return ['test/evidence', 'test/lab'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /(?:\.test|-cases)\.ts$/.test(file))
      .map((file) => `${folder}/${file}`),
  );
}

function openingOf(root: string, file: string): string {
  return /^\/\*\*[\s\S]*?\*\//.exec(readFileSync(join(root, file), 'utf8'))?.[0] ?? '';
}

/** Titles of `test(…)`, `test.for(…)(…)`, `test.each(…)(…)`; what is put into one at run time reads `…`. */
export function titlesIn(text: string): string[] {
  const pattern = /(?:\btest(?:\.\w+)?\(|\]\)\()\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1\s*,/g;
  return [...text.matchAll(pattern)].map(([, , title = '']) =>
    title
      .replaceAll(/\$\{[^}]*\}|%[sdj]|\$\w+/g, '…')
      .replaceAll(/\\(.)/g, '$1')
      .trim(),
  );
}

const prose = (text: string): string => text.trim().replaceAll(/[<>*_|]/g, '\\$&');
const anchor = (runbook: string): string => runbook.replaceAll('/', '');
