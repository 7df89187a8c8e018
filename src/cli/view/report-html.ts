/** A check as one HTML file: no network, no script, and it prints. Whatever a host said is text, never markup. */
import {
  findingText,
  isOpen,
  severities,
  type Acknowledgement,
  type Finding,
} from '../../compliance/index.ts';
import type { CheckRow } from '../../journal/index.ts';
import type { CheckOutcome } from '../../runtime/compliance/outcome.ts';
import { minuteText } from './check-lines.ts';
import { findingsPlot } from './findings-plot.ts';
import { utcText } from './instant-text.ts';
import { escaped } from './markup.ts';

export interface ReportInput {
  readonly outcomes: readonly CheckOutcome[];
  readonly findings: readonly {
    readonly finding: Finding;
    readonly acknowledgement: Acknowledgement | null;
  }[];
  /** Latest first. */
  readonly checks: readonly CheckRow[];
  readonly now: number;
}

/** Rows of one table; more are counted. */
const rowsMax = 2_000;
const closedDays = 30;

const style = `
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; padding: .3rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #8886; overflow-wrap: anywhere; }
th { white-space: nowrap; } th.n, td.n { text-align: right; font-variant-numeric: tabular-nums; }
td.d { white-space: nowrap; font-variant-numeric: tabular-nums; } td.w { min-width: 13ch; }
.COMPLIANT { color: #176b2c; } .NON_COMPLIANT, .CRITICAL, .HIGH { color: #b3261e; } .UNDETERMINED { color: #8a5300; }
@media screen and (prefers-color-scheme: dark) { .COMPLIANT { color: #7bd88f; } .NON_COMPLIANT, .CRITICAL, .HIGH { color: #ff9d96; } .UNDETERMINED { color: #ffc46b; } }
svg { width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: currentColor; }
@page { margin: 14mm; }
@media print {
  :root { color-scheme: light; font-size: 11px; } body { margin: 0; padding: 0; max-width: none; }
  tr, svg { break-inside: avoid; } thead { display: table-header-group; } h1, h2, caption { break-after: avoid; }
  th, td { padding: .2rem .4rem; }
}
`;

export function reportHtml({ outcomes, findings, checks, now }: ReportInput): string {
  const names = outcomes.map(({ ruleSet }) => ruleSet.name);
  const ours = findings.filter(({ finding }) => names.includes(finding.set));
  const open = ours.filter(({ finding }) => finding.status === 'open').toSorted(bySeverity);
  const unknown = ours.filter(({ finding }) => isOpen(finding) && finding.code !== '').toSorted(bySeverity);
  const closed = ours.filter(({ finding }) => (finding.closedAt ?? 0) > now - closedDays * 86_400_000);
  const body = [
    `<h1>Compliance of ${escaped(names.join(', '))}</h1>`,
    `<p>Checked until ${utcText(Math.max(...outcomes.map(({ endedAt }) => endedAt)))}. What could not be looked at is unknown, which is neither kept nor fixed.</p>`,
    table(
      'Files',
      ['File', 'Verdict', 'Rules', 'Targets', 'Looks', 'Kept', 'Broken', 'Unknown'],
      outcomes.map(outcomeRow),
    ),
    '<h2>Open findings over time</h2>',
    findingsPlot(
      checks.filter(({ set }) => names.includes(set)),
      now,
    ),
    section(
      'Open findings',
      open,
      ['Severity', 'Rule', 'Target', 'What is so', 'Since', 'Acknowledged'],
      (each) => [
        severityCell(each.finding),
        ...whereCells(each.finding),
        cell(findingText(each.finding)),
        dayCell(each.finding.firstSeenAt),
        cell(acknowledgedText(each.acknowledgement)),
      ],
    ),
    section('Unknown', unknown, ['Severity', 'Rule', 'Target', 'Why', 'Since'], ({ finding }) => [
      severityCell(finding),
      ...whereCells(finding),
      cell(`${finding.subject === '' ? '' : `${finding.subject}: `}${finding.reason} (${finding.code})`),
      dayCell(finding.firstSeenAt),
    ]),
    section(
      `Fixed or no longer checked within ${closedDays} days`,
      closed,
      ['Status', 'Rule', 'Target', 'What was so', 'First seen', 'Closed'],
      ({ finding }) => [
        cell(finding.status),
        ...whereCells(finding),
        cell(finding.found === '' ? finding.subject : `${finding.subject} was ${finding.found}`),
        dayCell(finding.firstSeenAt),
        dayCell(finding.closedAt ?? 0),
      ],
    ),
    section(
      'Rules',
      outcomes.flatMap(rulesOf),
      ['Rule', 'Severity', 'Kept', 'Broken', 'Unknown', 'Why it is there'],
      (cells) => cells,
    ),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Compliance of ${escaped(names.join(', '))}</title>
<style>${style}</style>
</head>
<body>
${body.join('\n')}
</body>
</html>
`;
}

type Cell = string;

function section<T>(
  title: string,
  items: readonly T[],
  head: readonly string[],
  row: (item: T) => readonly Cell[],
): string {
  const heading = `<h2>${escaped(title)} (${items.length})</h2>`;
  if (items.length === 0) return `${heading}\n<p>None.</p>`;
  const more = items.length - rowsMax;
  const rest = more > 0 ? `\n<p>${more} more are not shown; belay findings --json has all.</p>` : '';
  return `${heading}\n${table('', head, items.slice(0, rowsMax).map(row))}${rest}`;
}

/** Columns of numbers. */
const counted = new Set(['Rules', 'Targets', 'Looks', 'Kept', 'Broken', 'Unknown']);

function table(caption: string, head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const title = caption === '' ? '' : `<caption>${escaped(caption)}</caption>`;
  const headCells = head
    .map((text) => `<th scope="col"${counted.has(text) ? ' class="n"' : ''}>${escaped(text)}</th>`)
    .join('');
  const body = rows.map((cells) => `<tr>${cells.join('')}</tr>`).join('\n');
  return `<table>${title}<thead><tr>${headCells}</tr></thead><tbody>\n${body}\n</tbody></table>`;
}

function outcomeRow({ ruleSet, verdict, looks }: CheckOutcome): Cell[] {
  const judged = looks.flatMap((look) => look.judged);
  const of = (kind: 'kept' | 'broken' | 'unknown'): Cell =>
    number(judged.filter((each) => each.kind === kind).length);
  return [
    cell(ruleSet.name),
    `<td class="${verdict}">${escaped(verdict)}</td>`,
    number(new Set(looks.map(({ rule }) => rule)).size),
    number(new Set(looks.map(({ target }) => target)).size),
    number(looks.length),
    of('kept'),
    of('broken'),
    of('unknown'),
  ];
}

function rulesOf({ ruleSet, looks }: CheckOutcome): Cell[][] {
  const byRule = Map.groupBy(looks, ({ rule }) => rule);
  return ruleSet.rules.flatMap(({ name, severity, why = '' }) => {
    const judged = byRule.get(name)?.flatMap((look) => look.judged);
    if (judged === undefined) return [];
    const of = (kind: 'kept' | 'broken' | 'unknown'): Cell =>
      number(judged.filter((each) => each.kind === kind).length);
    return [[cell(name), cell(severity), of('kept'), of('broken'), of('unknown'), cell(why)]];
  });
}

function bySeverity(left: { readonly finding: Finding }, right: { readonly finding: Finding }): number {
  return severities.indexOf(left.finding.severity) - severities.indexOf(right.finding.severity);
}

const cell = (text: string): Cell => `<td>${escaped(text)}</td>`;
const number = (count: number): Cell => `<td class="n">${count}</td>`;
const whereCells = ({ rule, target }: Finding): Cell[] => [wide(rule), wide(target)];
const wide = (text: string): Cell => `<td class="w">${escaped(text)}</td>`;
const dayCell = (at: number): Cell => `<td class="d">${dayOf(at)}</td>`;
const severityCell = ({ severity }: Finding): Cell => `<td class="${severity}">${severity}</td>`;
const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

function acknowledgedText(acknowledgement: Acknowledgement | null): string {
  if (acknowledgement === null) return '';
  return `by ${acknowledgement.by} until ${minuteText(acknowledgement.until)}: ${acknowledgement.why}`;
}
