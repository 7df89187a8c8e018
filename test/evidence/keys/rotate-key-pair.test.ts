/**
 * runbooks/keys/rotate-key-pair.yaml on a fleet behind a bastion: forward, refused by one host, failed at a step of one host's turn,
 * and killed. CI takes four hosts and draws the places by a seed (BELAY_SEED draws the same); BELAY_FAULTS=all takes twenty and each.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { worldMissing } from '../../lab/world.ts';
import { idOf } from '../../support/command-line.ts';
import { accidentName, accidentOn, failingAfter, placesIn, shippedFile } from '../failing-step.ts';
import { killedAt } from '../killed.ts';
import { isThorough, pick, seed } from '../sample.ts';
import { expectTrouble } from '../trouble/expect-trouble.ts';
import { Fleet, type Look } from './fleet.ts';

const runbook = 'keys/rotate-key-pair';
const reason = worldMissing();
const size = isThorough ? 20 : 4;
/** Of four: two are done then, p3 is in its turn, p4 is untouched. */
const few = 4;
const places = placesIn(runbook);
/** Places behind which keys have been appended on several hosts. */
const late = [
  'Add/NewWorks',
  'Add',
  'Remove/TakeOut',
  'Remove/OldIsRefused',
  'Remove/NewStillWorks',
  'Remove',
] as const;

/** The nth time that the undo of this step begins, whichever host's. */
const undoBegun = (step: string, nth = 1): RegExp => new RegExp(`(?:▸ ${step} +undo\\n[^]*?){${nth}}`);

describe.skipIf(reason)(
  `rotating a key pair, BELAY_SEED=${seed}${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 400_000 },
  () => {
    let fleet: Fleet;
    let before: Look;
    beforeAll(async () => {
      fleet = await Fleet.raise(size);
    }, 400_000);
    beforeEach(async () => {
      before = await fleet.look();
    }, 60_000);
    afterAll(async () => {
      await fleet?.down();
      expect(fleet?.world.endpoint.problems).toEqual([]);
    }, 90_000);

    const failing = (place: string): string =>
      fleet.desk.write('failing.yaml', failingAfter(runbook, place, accidentOn('p3')));

    test(`a key that one host of ${size} refuses: every file as before, no key pair left, and the host is named`, async () => {
      const one = isThorough ? 'p13' : 'p3';
      const fresh = fleet.newKey();
      await fleet.revoke(one, fresh);
      const said = await fleet.start(shippedFile(runbook), fresh).said;
      expectTrouble(said, 3, new RegExp(`${one} .*sshd refuses the key`), 'rolled back clean');
      expect(await fleet.look()).toEqual(before);
      expect(fleet.world.endpoint.journal.effects('keyPairImported')).toHaveLength(
        1 + fleet.world.endpoint.journal.effects('keyPairDeleted').length,
      );
      await fleet.allow(one);
    });

    const failed = pick('failed after', late);
    const nth = pick('killed undoing', [1, 2, 3] as const);
    test(`failed after ${failed} of the third host, killed in undo ${nth} of Append: every file and the key pairs are as before`, async () => {
      const going = fleet.start(failing(failed), fleet.newKey(), few);
      const said = await killedAt(fleet.desk, going, [undoBegun('Append', nth)]);
      expectTrouble(said, 3, 'rolled back clean');
      expect(await fleet.look()).toEqual(before);
    });

    for (const place of isThorough ? places : []) {
      test(`failed after ${place}, in a rolling on the third host: every file and the key pairs are as before`, async () => {
        const said = await fleet.start(failing(place), fleet.newKey(), few).said;
        if (places.indexOf(place) < places.indexOf('Import'))
          expectTrouble(said, 1, accidentName, 'Nothing is left changed');
        else expectTrouble(said, 3, accidentName, 'rolled back clean');
        expect(await fleet.look()).toEqual(before);
      });
    }

    if (isThorough) {
      test('killed in the undo of each host, it goes on each time, and every file and the key pairs are as before', async () => {
        const going = fleet.start(failing('Remove/TakeOut'), fleet.newKey(), few);
        const marks = [
          ...Array.from({ length: 3 }, () => undoBegun('TakeOut')),
          ...Array.from({ length: few }, () => undoBegun('Append')),
          /▸ Import .*\bundo$/m,
        ];
        const said = await killedAt(fleet.desk, going, marks);
        expectTrouble(said, 3, 'rolled back clean');
        expect(await fleet.look()).toEqual(before);
      });
    }

    test('killed while the old key goes, it is resumed in the turn and ends with the old key refused everywhere', async () => {
      const fresh = fleet.newKey();
      const going = fleet.start(shippedFile(runbook), fresh);
      const files = async (): Promise<readonly string[]> => (await fleet.look()).files;
      await going.writes(/▸ TakeOut +p2 /);
      going.process.kill('SIGKILL');
      await going.said;
      const between = await files();
      expect(between.every((text) => text.includes(fresh.line))).toBe(true);
      expect(between[0]).not.toContain(fleet.old.line);
      expect(between.at(-1)).toContain(fleet.old.line);
      const resumed = await fleet.desk.belay(['resume', idOf(going.soFar())]);
      expect(resumed, resumed.stderr).toMatchObject({ code: 0 });
      for (const [index, text] of (await files()).entries()) {
        expect(text.split('\n').filter((line) => line === fresh.line)).toHaveLength(1);
        const others = (of = '') =>
          of
            .split('\n')
            .filter((line) => line !== '' && ![fleet.old.line, fresh.line].some((key) => line.endsWith(key)));
        expect(others(text)).toEqual(others(before.files[index]));
        expect(text).not.toContain(fleet.old.line);
      }
      const last = `p${size}`;
      expect(fleet.letsIn(last, fresh)).toBe(true);
      expect(fleet.letsIn(last, fleet.old)).toBe(false);
    });
  },
);
