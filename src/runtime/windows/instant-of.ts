/** An instant as people type it. */
import { Refusal } from '../refusal.ts';

/** In ms. Throws Refusal. */
export function instantOf(text: string): number {
  const at = Date.parse(text);
  if (Number.isNaN(at) || !/(Z|[+-]\d\d:?\d\d)$/i.test(text)) {
    throw new Refusal('usage', 'BAD_INSTANT', `${text} is not an instant`, {
      hint: 'for example 2026-12-06T01:00:00Z',
    });
  }
  return at;
}
