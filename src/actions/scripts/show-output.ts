/** `ShowOutput`: an author's program that is given a secret may print it, so nothing that it says is shown unless he asks. */
import { Type } from 'typebox';
import type { CatalogProblem } from '../../document/catalog.ts';
import type { ActionContext } from '../define-action.ts';

export const showOutputInput = Type.Optional(
  Type.Boolean({
    default: false,
    description:
      'Of a step that is given a secret: whether what its program prints goes to terminal, logs and messages, with the known forms of the secret masked. Otherwise it is withheld.',
  }),
);

/** Said at the start, so it must be known by then. */
export function checkShowOutput(value: unknown, isExpression: (value: unknown) => boolean): CatalogProblem[] {
  if (!isExpression(value)) return [];
  const message = 'ShowOutput is said at the start, so it is true or false and no expression';
  return [{ code: 'WRONG_INPUT', path: ['ShowOutput'], message }];
}

/** What the program said, or that it is withheld. */
export function shown({ hidesOutput }: Pick<ActionContext, 'hidesOutput'>, said: string): string {
  return hidesOutput === true ? withheldText : said;
}

/** What comes back beside a secret stays out of the journal, unless its author reads it. */
export function isKept(
  output: string,
  { hidesOutput, isRead }: Pick<ActionContext, 'hidesOutput' | 'isRead'>,
): boolean {
  return hidesOutput !== true || isRead?.(output) !== false;
}

export const withheldText =
  'what it said is withheld, because the step was given a secret (ShowOutput: true shows it)';
