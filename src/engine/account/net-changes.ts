/** What many changes come to in the end. Pure. */
import type { Change } from '../events.ts';

/** A state that was found as wanted is not a change to show. */
export const isDifferent = ({ from, to }: Change): boolean => from !== to;

/** What the changes leave in the end, one per target and subject; what came back to where it was is left out. */
export function netChanges<T extends Change>(changes: readonly T[]): T[] {
  const net = new Map<string, T>();
  for (const change of changes) {
    const key = JSON.stringify([change.target, change.subject]);
    const earlier = net.get(key);
    net.delete(key);
    net.set(key, earlier === undefined ? change : { ...change, from: earlier.from });
  }
  return [...net.values()].filter(isDifferent);
}
