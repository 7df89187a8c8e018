/** `--wait-lock`: how long a run or a rollback waits for what another execution holds. */
import { Refusal } from '../runtime/refusal.ts';
import type { RawOptions } from './options.ts';

/** How long `--wait-lock` alone waits. */
const lockWaitSecondsDefault = 3600;

/** Throws Refusal for what is not a number of seconds. */
export function lockWaitOf(options: RawOptions): { readonly lockWaitSeconds?: number } {
  const given = options['waitLock'];
  if (given === undefined) return {};
  if (given === true) return { lockWaitSeconds: lockWaitSecondsDefault };
  const seconds = Number(given);
  if (Number.isSafeInteger(seconds) && seconds > 0) return { lockWaitSeconds: seconds };
  throw new Refusal(
    'usage',
    'BAD_WAIT',
    `--wait-lock ${typeof given === 'string' ? given : '?'}: that is not a number of seconds`,
    {
      hint: 'write --wait-lock=600, or --wait-lock at the end for an hour',
    },
  );
}
