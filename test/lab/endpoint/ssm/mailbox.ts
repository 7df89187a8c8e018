/** Where agents wait for work: a question stays open until somebody wakes the instance, or its time is over. */
import type { Cell } from '../cell.ts';

const waiting = new WeakMap<Cell, Map<string, Set<() => void>>>();

/** Answers the open questions of these instances' agents. */
export function wakeAgents(instanceIds: readonly string[], cell: Cell): void {
  for (const id of instanceIds) for (const wake of waiting.get(cell)?.get(id) ?? []) wake();
}

/** Resolves when the instance is woken, at the latest after `agentPollMs`. */
export async function waitForWork(instanceId: string, cell: Cell): Promise<void> {
  const all = waiting.get(cell) ?? new Map<string, Set<() => void>>();
  waiting.set(cell, all);
  const mine = all.get(instanceId) ?? new Set<() => void>();
  all.set(instanceId, mine);
  const woken = Promise.withResolvers<void>();
  mine.add(woken.resolve);
  await Promise.race([woken.promise, cell.pause(cell.settings.agentPollMs)]);
  mine.delete(woken.resolve);
}
