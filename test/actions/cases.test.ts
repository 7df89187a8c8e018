/** Runs every case file of every action; see aws/support/cases.ts for what a case says. */
import { describe, expect, test } from 'vitest';
import { actions } from '../../src/actions/index.ts';
import { casesOf, runCase } from './aws/support/cases.ts';

for (const action of actions.values()) {
  const cases = casesOf(action.name);
  if (cases.length === 0) continue;
  describe(action.name, () => {
    test.each(cases)('$title', async ({ file }) => {
      const run = await runCase(action, file);
      expect(run.ending).toMatchObject(file.ending);
      if (file.calls !== undefined) expect(run.calls.map(({ name }) => name)).toEqual(file.calls);
      for (const { call, has } of file.params ?? [])
        expect(run.calls.filter(({ name }) => name === call).map((made) => made.call.params)).toContainEqual(
          expect.objectContaining(has),
        );
      if (file.after !== undefined) expect(run.after).toMatchObject(file.after);
      for (const [host, times] of Object.entries(file.begun ?? {}))
        expect(run.hosts[host]?.begun.size).toBe(times);
      if (file.undo === undefined) return;
      expect(run.undone?.ending).toMatchObject(file.undo.ending);
      if (file.undo.calls !== undefined)
        expect(run.undone?.calls.map(({ name }) => name)).toEqual(file.undo.calls);
      expect(run.undone?.after).toMatchObject({ ...run.before, ...file.undo.after });
      if (file.undo.after === undefined) expect(run.undone?.after).toEqual(run.before);
    });
  });
}
