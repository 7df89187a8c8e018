/** The state folder, without making one. */
import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { isClimbingDown, type ListedExecution } from '../execution-view.ts';
import { JournalFailure } from '../../journal/index.ts';
import { ageText } from './age.ts';
import type { Finding } from './finding.ts';

/** So many that are not over are named. */
const namedMax = 10;

/** `list`: all executions; called only where there is a journal. */
export async function checkState(
  stateDir: string,
  list: () => Promise<readonly ListedExecution[]>,
  now: number,
): Promise<Finding[]> {
  const about = { area: 'state', what: stateDir } as const;
  if (!existsSync(join(stateDir, 'journal.db')))
    return [{ ...about, verdict: 'note', says: 'does not exist yet; the first run makes it' }];
  try {
    accessSync(stateDir, constants.R_OK | constants.W_OK);
  } catch {
    return [
      {
        ...about,
        verdict: 'bad',
        says: 'may not be written',
        hint: 'own it, or choose another one with --state',
      },
    ];
  }
  try {
    const views = await list();
    const open = views.filter(({ endedAt, isLive }) => endedAt === null && !isLive);
    const count: Finding = {
      ...about,
      verdict: 'good',
      says: `${views.length} execution${views.length === 1 ? '' : 's'}`,
    };
    if (open.length === 0) return [count];
    const left = { area: 'leftovers', what: 'executions', verdict: 'note' } as const;
    const more = open.length - namedMax;
    return [
      count,
      ...open.slice(0, namedMax).map((view) => ({
        ...left,
        says: `${view.executionId} (${view.runbook}, begun ${ageText(now - view.createdAt)} ago) is not over, and nobody runs it`,
        hint: isClimbingDown(view)
          ? `belay resume ${view.executionId} goes on taking back what it did`
          : `belay resume ${view.executionId} goes on, belay cancel ${view.executionId} takes back what it did`,
      })),
      ...(more > 0 ? [{ ...left, says: `as many as ${more} more: belay list` }] : []),
    ];
  } catch (error) {
    if (!(error instanceof JournalFailure)) throw error;
    return [{ ...about, verdict: 'bad', says: `${error.code}: ${error.message}` }];
  }
}
