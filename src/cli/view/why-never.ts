/** Why a window does not come again, in a clause. */
import type { Window } from '../../windows/index.ts';
import { utcText } from './instant-text.ts';

export function whyNever({ scheduleText, endAt }: Window): string {
  return endAt === undefined
    ? `${scheduleText} has come for the last time`
    : `its EndDate is ${utcText(endAt)}, and ${scheduleText} has no run before that any more`;
}
