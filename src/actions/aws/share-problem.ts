/** Why what stands there is no count and no share of the targets. Asked at validation; a value that an expression gives is known later. */
import { isExpression, shareOf } from '../../document/index.ts';
import type { Json } from '../../json.ts';

/** Inputs that are shares, with the smallest count that each takes. */
export const shareLimits = [
  ['MaxConcurrency', 1],
  ['MaxErrors', 0],
] as const;

/** Undefined: it is one, or nothing is written. */
export function shareProblem(name: string, written: Json | undefined, least: 0 | 1): string | undefined {
  if (written === undefined || isExpression(written) || shareOf(written, 100, least) !== undefined)
    return undefined;
  return `${name} is ${JSON.stringify(written)}, and must be a number from ${least} on, or a share such as 10%`;
}
