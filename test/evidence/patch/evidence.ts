/** What must be seen of the PostgreSQL patch, whichever way the host is reached: one stage for all of its cases. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { worldMissing } from '../../lab/world.ts';
import { documentCases } from './document-cases.ts';
import { runbookCases } from './runbook-cases.ts';
import { raiseStage, type Inventory, type Stage } from './stage.ts';
import type { Way } from './way.ts';

export function patchEvidence(way: Way): void {
  const reason = worldMissing();
  const skipped = reason === undefined ? '' : ` (skipped: ${reason})`;
  describe.skipIf(reason)(`PostgreSQL is patched ${way.title}${skipped}`, () => {
    let stage: Stage;
    let inventory: Inventory;
    beforeAll(async () => {
      stage = await raiseStage();
      inventory = way.inventory(stage.world);
    }, 400_000);
    afterAll(async () => {
      await stage?.down();
      expect(stage?.world.endpoint.problems).toEqual([]);
    }, 120_000);
    beforeEach(() => stage.reset(), 120_000);

    test('nothing else leads to the host', () => way.ground(stage), 30_000);
    const bench = { way, stage: () => stage, inventory: () => inventory };
    runbookCases(bench);
    documentCases(bench);
  });
}
