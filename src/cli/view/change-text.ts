/** What became different, in few words: `postgresql-15 15.18 → 15.20, 2 more`. */
import { netChanges, type Change, type RestorePoint } from '../../engine/index.ts';
import { printable } from './printable.ts';

/** The longest value that a line shows whole; `belay show` has it all. */
const valueCharactersMax = 48;

/** `15.18` for `15.18-0+deb12u1`, where the rest does not tell the two apart. */
export function shortVersions(
  from: string | null,
  to: string | null,
): { readonly from: string | null; readonly to: string | null } {
  if (from === null || to === null) return { from, to };
  const short = { from: upstream(from), to: upstream(to) };
  return short.from === short.to ? { from, to } : short;
}

/** The upstream part of a Debian version: without epoch and revision (deb-version(7)). */
function upstream(version: string): string {
  const match = /^(?:\d+:)?(\d[A-Za-z0-9.+~]*)-[A-Za-z0-9.+~]*$/.exec(version);
  return match?.[1] ?? version;
}

/** Null is what did not exist. */
export function valueText(value: string | null): string {
  if (value === null) return 'absent';
  const shown = printable(value);
  if (shown === '') return '""';
  return shown.length <= valueCharactersMax ? shown : `${shown.slice(0, valueCharactersMax - 1)}…`;
}

export function changeText({ subject, from, to }: Change): string {
  const short = shortVersions(from, to);
  return `${printable(subject)} ${valueText(short.from)} → ${valueText(short.to)}`;
}

/** The first one, and how many others; the same change on many targets counts once, and what came back is left out. */
export function changesText(changes: readonly Change[]): string {
  const texts = [...new Set(netChanges(changes).map(changeText))];
  const [first, ...others] = texts;
  if (first === undefined) return '';
  return others.length === 0 ? first : `${first}, ${others.length} more`;
}

export { isDifferent, netChanges } from '../../engine/index.ts';

export function restorePointsText(points: readonly RestorePoint[]): string {
  const [first, ...others] = points.map(({ id, of }) => printable(of === '' ? id : `${id} of ${of}`));
  if (first === undefined) return '';
  return others.length === 0 ? first : `${first}, ${others.length} more`;
}

/** What came of a step or an undo. */
export function resultText(ended: {
  readonly changes: readonly Change[];
  readonly restorePoints?: readonly RestorePoint[];
  readonly note: string;
}): string {
  const changes = changesText(ended.changes);
  const note = printable(ended.note);
  const said = [changes, note].filter((part) => part !== '').join('; ');
  return said === '' ? restorePointsText(ended.restorePoints ?? []) : said;
}

/** `db1`, `db1, db2`, `48 hosts`. */
export function targetsText(targets: readonly string[]): string {
  const names = [...new Set(targets.map(printable))];
  const all = names.join(', ');
  if (names.length <= 1 || (names.length <= 3 && all.length <= 20)) return all;
  const isAws = names.some((name) => /^arn:|^[a-z]+-[0-9a-f]{8,17}$/.test(name));
  return `${names.length} ${isAws ? 'targets' : 'hosts'}`;
}
