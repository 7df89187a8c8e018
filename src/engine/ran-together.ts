/** Steps that need no undo by their author's word, each once with all places where it ran. Pure. */
import type { Ran } from './events.ts';

/** So many are named to the execution above. */
const namedMax = 100;

/**
 * Targets are empty where they are not known of each; where there are too many to name, the last one may have run anywhere. A step that
 * came to its end in one place and in another nobody knows is one of which nobody knows.
 */
export function ranTogether(all: readonly Ran[]): readonly Ran[] {
  const places = new Map<string, Set<string> | undefined>();
  const unsure = new Set<string>();
  for (const { step, targets, isUnsure } of all) {
    if (isUnsure === true) unsure.add(step);
    const known = places.has(step) ? places.get(step) : new Set<string>();
    places.set(step, known === undefined || targets.length === 0 ? undefined : known.union(new Set(targets)));
  }
  const doubt = (steps: readonly string[]) =>
    steps.some((step) => unsure.has(step)) ? { isUnsure: true as const } : {};
  const ran = [...places].map(([step, targets]): Ran => ({
    step,
    targets: [...(targets ?? [])],
    ...doubt([step]),
  }));
  if (ran.length <= namedMax) return ran;
  const rest = ran.slice(namedMax - 1).map(({ step }) => step);
  const [last = ''] = rest;
  return [...ran.slice(0, namedMax - 1), { step: last, targets: [], ...doubt(rest) }];
}
