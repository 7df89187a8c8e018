/** Steps that need no undo by their author's word, each once with all places where it ran. Pure. */
import type { Ran } from './events.ts';

/** So many are named to the execution above. */
const namedMax = 100;

/** Targets are empty where they are not known of each; where there are too many to name, the last one may have run anywhere. */
export function ranTogether(all: readonly Ran[]): readonly Ran[] {
  const places = new Map<string, Set<string> | undefined>();
  for (const { step, targets } of all) {
    const known = places.has(step) ? places.get(step) : new Set<string>();
    places.set(step, known === undefined || targets.length === 0 ? undefined : known.union(new Set(targets)));
  }
  const ran = [...places].map(([step, targets]): Ran => ({ step, targets: [...(targets ?? [])] }));
  const [last] = ran.slice(namedMax - 1);
  return ran.length <= namedMax || last === undefined
    ? ran
    : [...ran.slice(0, namedMax - 1), { step: last.step, targets: [] }];
}
