/** Defaults that stand in Parameter Store. */
import { wholeReference } from './expression.ts';
import type { Json } from '../json.ts';

/** The name in Parameter Store that is the whole default; undefined: it is something else. */
export function storedDefault(fallback: Json | undefined): string | undefined {
  const reference = typeof fallback === 'string' ? wholeReference(fallback) : undefined;
  return reference?.kind === 'parameterStore' ? reference.name : undefined;
}
