/** Where in a step's inputs a secret may stand. */
import type { Path } from './expression.ts';

/** `allowed`: inputs by their dotted path; what lies below one is allowed as well. */
export function mayHoldSecret(path: Path, allowed: readonly string[]): boolean {
  const dotted = path.map(String);
  return allowed.some((place) => place.split('.').every((part, index) => dotted[index] === part));
}
