/** How many findings were open after each whole check, as an inline SVG: a stair, since nothing is known between two checks. */
import type { CheckRow } from '../../journal/index.ts';
import type { Json } from '../../json.ts';
import { escaped } from './markup.ts';

const width = 900;
const height = 220;
const margin = { left: 44, right: 12, top: 12, bottom: 28 };
const dashes = ['', '6 3', '2 3', '8 3 2 3'];

/** Checks in any order. A check that stopped, or looked at a part only, has no point. */
export function findingsPlot(checks: readonly CheckRow[], now: number): string {
  const points = checks
    .flatMap(({ set, endedAt, isWhole, counts }) => {
      const open = countOf(counts['open']);
      return endedAt === null || !isWhole || open === undefined ? [] : [{ set, at: endedAt, open }];
    })
    .toSorted((left, right) => left.at - right.at);
  const [first] = points;
  if (first === undefined) return '<p>No whole check has ended yet.</p>';
  const from = Math.min(first.at, now - 3_600_000);
  const most = Math.max(1, ...points.map(({ open }) => open));
  const x = (at: number): string =>
    (margin.left + ((at - from) / Math.max(1, now - from)) * (width - margin.left - margin.right)).toFixed(1);
  const y = (open: number): string =>
    (height - margin.bottom - (open / most) * (height - margin.top - margin.bottom)).toFixed(1);
  const sets = [...Map.groupBy(points, ({ set }) => set)];
  const lines = sets.map(([set, of], index) => {
    const steps = of
      .map(({ at, open }, step) => (step === 0 ? `M${x(at)} ${y(open)}` : `H${x(at)}V${y(open)}`))
      .join('');
    const dash = dashes[index % dashes.length] ?? '';
    return `<path d="${steps}H${x(now)}" fill="none" stroke="currentColor" stroke-width="2"${dash === '' ? '' : ` stroke-dasharray="${dash}"`}><title>${escaped(set)}</title></path>`;
  });
  const grid = ticks(most).map(
    (open) =>
      `<line x1="${margin.left}" x2="${width - margin.right}" y1="${y(open)}" y2="${y(open)}" stroke="currentColor" stroke-opacity=".15"/><text x="${margin.left - 6}" y="${y(open)}" text-anchor="end" dominant-baseline="middle">${open}</text>`,
  );
  const names = sets.map(
    ([set], index) =>
      `${set}${index === 0 ? '' : ` (${index === 1 ? 'dashed' : index === 2 ? 'dotted' : 'dash-dotted'})`}`,
  );
  return [
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Open findings after each check, at most ${most}">`,
    ...grid,
    ...lines,
    `<text x="${margin.left}" y="${height - 8}">${day(from)}</text><text x="${width - margin.right}" y="${height - 8}" text-anchor="end">${day(now)}</text>`,
    '</svg>',
    `<p>${escaped(names.join(', '))}: findings open after each whole check.</p>`,
  ].join('\n');
}

function ticks(most: number): number[] {
  const step = Math.max(1, Math.ceil(most / 4));
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step);
}

function countOf(value: Json | undefined): number | undefined {
  return typeof value === 'number' && value >= 0 ? value : undefined;
}

const day = (at: number): string => new Date(at).toISOString().slice(0, 10);
