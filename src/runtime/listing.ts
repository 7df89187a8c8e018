/** Many executions as a list tells of them: by what was kept with their rows, and by their events only where somebody runs them or nothing was kept. */
import { DamagedExecution, type Journal, type ListedRow } from '../journal/index.ts';
import { withAnswers } from './answered.ts';
import { listedView, type ListedExecution } from './execution-view.ts';
import type { LeftOut } from './left-out.ts';

/** In their order; those that cannot be read are left out. */
export async function listSound(
  journal: Pick<Journal, 'untaken'>,
  rows: readonly (ListedRow | DamagedExecution)[],
  leftOut: LeftOut,
  viewOf: (id: string) => Promise<ListedExecution>,
): Promise<ListedExecution[]> {
  const listed: ListedExecution[] = [];
  for (const row of rows) {
    if (row instanceof DamagedExecution) leftOut.add(row);
    else {
      const view = listedView(row) ?? (await leftOut.sound(() => viewOf(row.id)));
      if (view !== undefined) listed.push(await withAnswers(journal, view));
    }
  }
  return listed;
}
