/** What is done to a child is done to its root: the two are one piece of work, under one runner. */
import type { ExecutionRow } from '../journal/index.ts';
import { Refusal } from './refusal.ts';

/** Throws Refusal where the execution is below another one. */
export function refuseChild({ id, child }: Pick<ExecutionRow, 'id' | 'child'>): void {
  if (child === null) return;
  const { root, parent, step } = child;
  throw new Refusal(
    'refused',
    'CHILD_EXECUTION',
    `${id} was started by step ${step} of ${parent}: it goes on, stops and climbs down with ${root} and never by itself`,
    { hint: `belay show ${root}; belay resume, cancel or rollback ${root} reaches it too` },
  );
}
