/**
 * How many of so many: `5` or `10%`, as MaxConcurrency, MaxUnavailable and MaxErrors are written, for steps over hosts, rollings,
 * children and whole executions alike.
 */
import type { Json } from '../json.ts';

/** What a share may look like, for schemas: a count, or up to 100 %. */
export const sharePattern = '^\\s*(\\d{1,9}|(\\d{1,2}|100)%)\\s*$';

/** Undefined: it is not a share. `least`: the smallest count that may be written, and that a percentage comes to. */
export function shareOf(written: Json, total: number, least: 0 | 1): number | undefined {
  const text = typeof written === 'number' ? String(written) : written;
  const [, digits = '', percent] = typeof text === 'string' ? (/^\s*(\d{1,9})(%?)\s*$/.exec(text) ?? []) : [];
  if (digits === '') return undefined;
  const count = Number(digits);
  if (percent === '%') return count > 100 ? undefined : Math.max(least, Math.floor((total * count) / 100));
  return count < least ? undefined : count;
}

/** How many targets may be under way at once, and how many may fail before no further one is begun. */
export interface ErrorBudget {
  readonly concurrency: number;
  readonly errors: number;
}

/** One input that is a share: its name, for messages, and what is written there. */
export interface WrittenShare {
  readonly name: string;
  readonly value: Json;
}

/** A sentence: which of the two is not a share. */
export function errorBudgetOf(
  concurrency: WrittenShare,
  errors: WrittenShare,
  total: number,
): ErrorBudget | string {
  const most = shareOf(concurrency.value, total, 1);
  if (most === undefined) return notAShare(concurrency, '5');
  const allowed = shareOf(errors.value, total, 0);
  return allowed === undefined ? notAShare(errors, '0') : { concurrency: most, errors: allowed };
}

const notAShare = ({ name, value }: WrittenShare, example: string): string =>
  `${name} is ${JSON.stringify(value)}, and must be a number such as ${example} or 10%`;

/**
 * How many can be under way at once where those in flight count as failed until they have come through: a budget of no errors lets
 * only one be under way.
 */
export function sideBySideMax({ concurrency, errors }: ErrorBudget): number {
  return Math.max(1, Math.min(concurrency, errors + 1));
}
