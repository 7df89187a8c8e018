/** The last thing that a command does: people are told what is to be told, and whom nobody could tell is said. */
import { JournalFailure } from '../journal/index.ts';
import type { Notifier } from '../runtime/notify/notifier.ts';
import { printable } from './view/printable.ts';

/** The longest that a hanging receiver holds up the end of a command, in ms. What is left is tried again later. */
export const finishMs = 5_000;

/** Lines for stderr. */
export async function tellPeople(notifier: Notifier): Promise<string[]> {
  try {
    const troubles = await notifier.finish(finishMs);
    return troubles.map(({ channel, why, isGivenUp }) => {
      if (channel === '') return `Nobody could be told: ${printable(why)}`;
      const what = isGivenUp ? 'messages were given up' : 'not told yet';
      return `  ${printable(channel)}: ${what}, ${printable(why)}     belay notify list`;
    });
  } catch (error) {
    // Not even a bug in here may change what the command came to.
    const why = error instanceof JournalFailure ? error.message : `a bug: ${String(error)}`;
    return [`Nobody could be told: ${printable(why)}`];
  }
}
