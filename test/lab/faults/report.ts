/**
 * docs/fault-report.md as data, and back: a section for each test file, with the commit and the time that it ran on. What one
 * run of `npm run lab:faults` has not run stands in the next report as it stood in the last.
 */

export interface Row {
  readonly title: string;
  readonly result: 'passed' | 'failed' | 'not run';
  /** Of a case that ran. */
  readonly seconds?: number;
  /** Where the result is older than its section: the commit and the day, as `bdc5862769 of 2026-11-27`. */
  readonly from?: string;
}

export interface Run {
  readonly commit: string;
  /** Something was changed since that commit. */
  readonly isChanged: boolean;
  /** UTC, to the minute: 2026-11-27 23:39. */
  readonly startedAt: string;
  /** Of `-t`: only the cases whose titles match it were run. */
  readonly part?: string;
}

/** What is known of one test file; without a run, no case of it ever ran. */
export interface Section {
  readonly file: string;
  readonly run?: Run;
  readonly rows: readonly Row[];
}

const words = { passed: 'as it must be', failed: '**FAILED**', 'not run': 'not run' } as const;
const wholePattern =
  /^Commit (\w+)( with changes that were not committed)?, (\S+ \S+) UTC\. .*?(?: A part of the file, `-t (.*)`.*)?$/;

/** What is known after a run: its own results, and of the cases that it left out, what was known before. */
export function merged(before: Section | undefined, now: Section): Section {
  if (before === undefined || now.rows.length === 0) return before ?? now;
  // A machine without the lab, or a `-t` that matches nothing here: nothing was learned.
  if (now.rows.every(({ result }) => result === 'not run')) return before;
  if (now.run?.part === undefined) return now;
  const known = new Map(before.rows.map((row) => [row.title, row]));
  const rows = now.rows.map((row): Row => {
    const old = known.get(row.title);
    if (row.result !== 'not run' || old === undefined || old.result === 'not run') return row;
    return { ...old, from: old.from ?? origin(before.run) };
  });
  return { ...now, rows };
}

const origin = (run: Run | undefined): string =>
  run === undefined ? 'an unknown commit' : `${run.commit} of ${run.startedAt.slice(0, 10)}`;

export function written(sections: readonly Section[]): string {
  const rows = sections.flatMap((section) => section.rows);
  const count = (wanted: Row['result']): number => rows.filter(({ result }) => result === wanted).length;
  const ordered = sections.toSorted((a, b) => (a.file < b.file ? -1 : 1));
  return `<!-- Made by \`npm run lab:faults\`. -->

# What was made to fail, and what became of it

On the real hosts of \`test/lab\`, every case of these files, of which CI takes a sample. \`npm run lab:faults -- PART-OF-A-FILE-NAME\`
makes the sections of some files anew, and leaves the others as they stand.

${rows.length} cases: ${count('passed')} ended as they must, ${count('failed')} failed, ${count('not run')} not run.
${ordered.map((section) => `\n${writtenSection(section)}`).join('')}`;
}

function writtenSection({ file, run, rows }: Section): string {
  const lines = rows.map(({ title, result, seconds, from }) => {
    const origins = from === undefined ? '' : `, on ${from}`;
    return `| ${title.replaceAll('|', '\\|')} | ${words[result]}${origins} | ${seconds ?? ''} |\n`;
  });
  return `## ${file}

${opening(run, rows)}

| Case | Result | Seconds |
|---|---|---|
${lines.join('')}`;
}

function opening(run: Run | undefined, rows: readonly Row[]): string {
  if (run === undefined) return 'Not run yet.';
  const own = rows.filter(({ result, from }) => result !== 'not run' && from === undefined);
  const good = own.filter(({ result }) => result === 'passed').length;
  const changed = run.isChanged ? ' with changes that were not committed' : '';
  const part =
    run.part === undefined
      ? ''
      : ` A part of the file, \`-t ${run.part}\`; the other cases were not run then.`;
  return `Commit ${run.commit}${changed}, ${run.startedAt} UTC. ${good} of ${own.length} cases ended as they must.${part}`;
}

/** The sections of a report that `written` made. */
export function parsed(text: string): Section[] {
  return text
    .split(/^## /m)
    .slice(1)
    .map((part): Section => {
      const [file = '', , first = '', ...rest] = part.split('\n');
      const run = parsedRun(first);
      return { file, ...(run === undefined ? {} : { run }), rows: rest.flatMap(parsedRow) };
    });
}

function parsedRun(line: string): Run | undefined {
  const [, commit, changed, startedAt, part] = wholePattern.exec(line) ?? [];
  if (commit === undefined || startedAt === undefined) return undefined;
  return { commit, isChanged: changed !== undefined, startedAt, ...(part === undefined ? {} : { part }) };
}

function parsedRow(line: string): Row[] {
  const [, title, said, from, seconds] =
    /^\| (.*) \| (as it must be|\*\*FAILED\*\*|not run)(?:, on (.*?))? \| (\d*) ?\|$/.exec(line) ?? [];
  const result = said === words.passed ? 'passed' : said === words.failed ? 'failed' : 'not run';
  if (title === undefined || said === undefined) return [];
  return [
    {
      title: title.replaceAll('\\|', '|'),
      result,
      ...(seconds === undefined || seconds === '' ? {} : { seconds: Number(seconds) }),
      ...(from === undefined ? {} : { from }),
    },
  ];
}
