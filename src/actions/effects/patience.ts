/** How long a reading action goes on asking. */
import type { ActionContext } from '../define-action.ts';

/** Whether `seconds` have not passed yet since it was first asked, whoever has run the execution since. */
export function isStillPatient(
  { now, startedAt }: Pick<ActionContext, 'now' | 'startedAt'>,
  seconds: number,
): boolean {
  return now() - startedAt < seconds * 1_000;
}
