/** Events as other programs read them: one JSON document per line, instants in RFC 3339. */
import type { RecordedEvent } from '../../engine/index.ts';

export function eventJson(executionId: string, { seq, at, event }: RecordedEvent): string {
  return JSON.stringify({ executionId, seq, at: new Date(at).toISOString(), ...event });
}
