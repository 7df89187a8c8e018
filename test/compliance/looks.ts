/** Short words for what a check saw. */
import type { Judged, Look } from '../../src/compliance/index.ts';

export const kept = (subject: string): Judged => ({ kind: 'kept', subject, found: 'well' });
export const broken = (subject: string, found = 'bad'): Judged => ({
  kind: 'broken',
  subject,
  wanted: 'well',
  found,
});
export const unknown = (subject: string, code = 'UNREACHABLE'): Judged => ({
  kind: 'unknown',
  subject,
  code,
  reason: `it says ${code}`,
});
export const look = (rule: string, target: string, judged: readonly Judged[], isWhole = true): Look => ({
  rule,
  target,
  judged,
  isWhole,
});
