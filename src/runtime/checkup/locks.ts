/** Locks that nobody will give back by himself: their holder has ended, or its runner is gone. Only reads. */
import { JournalFailure, type Journal } from '../../journal/index.ts';
import { holderName, sinceText, whatToDo } from '../locks/holders.ts';
import { heldHere, heldOnHosts, type HeldLock } from '../locks/survey.ts';
import type { Runners } from '../liveness.ts';
import type { Transports } from '../transports.ts';
import type { Finding } from './finding.ts';

export async function checkLocks(
  journal: Journal,
  runners: Pick<Runners, 'isAlive'>,
  now: number,
): Promise<Finding[]> {
  try {
    return stale(await heldHere(journal, runners), now);
  } catch (error) {
    // What is wrong with the journal has been said already.
    if (!(error instanceof JournalFailure)) throw error;
    return [];
  }
}

/** Hosts that do not answer have been named already. What stands in the journal, too, is named once. */
export async function checkHostLocks(
  journal: Journal,
  runners: Pick<Runners, 'isAlive'>,
  names: readonly string[],
  transports: Pick<Transports, 'host'>,
  now: number,
): Promise<Finding[]> {
  const known = new Set(
    (await heldHere(journal, runners)).map(({ lock, holder }) => `${lock} ${holder.executionId}`),
  );
  const { held } = await heldOnHosts(journal, runners, names, transports);
  return stale(
    held.filter(({ lock, holder }) => !known.has(`${lock} ${holder.executionId}`)),
    now,
  );
}

function stale(held: readonly HeldLock[], now: number): Finding[] {
  return held
    .filter(({ holder }) => holder.condition !== 'underWay')
    .map(({ lock, holder }) => ({
      area: 'leftovers' as const,
      what: lock,
      verdict: 'note' as const,
      says: `held by ${holderName(holder)} since ${sinceText(holder.since, now)}`,
      hint: whatToDo(lock, holder),
    }));
}
