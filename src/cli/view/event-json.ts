/** Events as other programs read them: one JSON document per line, instants in RFC 3339. */
import type { RecordedEvent } from '../../engine/index.ts';
import type { EventBelow } from '../../runtime/run-options.ts';

export function eventJson(executionId: string, { seq, at, event }: RecordedEvent): string {
  return JSON.stringify({ executionId, seq, at: instant(at), ...event });
}

/**
 * Of an execution that a step started: under its own id, counted by itself, with the root and the step below which it is
 * (`PatchFleet@db1`), named from the root.
 */
export function eventBelowJson(root: string, { executionId, prefix, recorded }: EventBelow): string {
  const { seq, at, event } = recorded;
  return JSON.stringify({ executionId, root, below: prefix.slice(0, -1), seq, at: instant(at), ...event });
}

const instant = (at: number): string => new Date(at).toISOString();
