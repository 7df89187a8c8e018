/** The state folder, without making one. */
import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ListedExecution } from '../execution-view.ts';
import { JournalFailure } from '../../journal/index.ts';
import type { Finding } from './finding.ts';

/** `list`: all executions; called only where there is a journal. */
export async function checkState(
  stateDir: string,
  list: () => Promise<readonly ListedExecution[]>,
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
    const ids = open.slice(0, 5).map(({ executionId }) => executionId);
    const says = `${open.length} not over and run by nobody: ${ids.join(', ')}${open.length > 5 ? ' …' : ''}`;
    return [
      count,
      {
        area: 'leftovers',
        what: 'executions',
        verdict: 'note',
        says,
        hint: 'belay resume ID, or belay cancel ID',
      },
    ];
  } catch (error) {
    if (!(error instanceof JournalFailure)) throw error;
    return [{ ...about, verdict: 'bad', says: `${error.code}: ${error.message}` }];
  }
}
