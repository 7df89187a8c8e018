/**
 * runbooks/keys/recover-lost-key.yaml on a host whose whole root file system is a volume: it really is stopped, its root moved to
 * another host, mounted there and brought back. Failed, killed, and lost together with its state folder: CI draws a place for each by a
 * seed (BELAY_SEED draws the same); BELAY_FAULTS=all takes every one.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { worldMissing } from '../../lab/world.ts';
import { idOf, type Going } from '../../support/command-line.ts';
import { accidentName, accidentOn, failingAfter, placesIn, shippedFile } from '../failing-step.ts';
import { killedAt, untilTrue } from '../killed.ts';
import { isThorough, pick, seed } from '../sample.ts';
import { expectTrouble } from '../trouble/expect-trouble.ts';
import { Recovery, type Look } from './recovery.ts';

const runbook = 'keys/recover-lost-key';
const reason = worldMissing();
const effects = ['volumeAttached', 'volumeDetached', 'hostStopped', 'hostStarted'] as const;

/** Steps in their order, without those that repair: they are taken only where there is something to repair. */
const places = placesIn(runbook).filter((place) => !place.startsWith('Repair'));
/** Steps that change something, in their order, and undos in theirs. */
const acting = [
  'MarkRoot',
  'Stop',
  'SnapshotRoot',
  'ToHelper',
  'Mount',
  'AppendKey',
  'Unmount',
  'ToItsPlace',
  'Start',
] as const;
const undoing = acting.toReversed() as [string, ...string[]];
/** Where a run is lost for ever; between: the root is attached nowhere. */
const losing = ['between', 'Mount', 'AppendKey', 'Unmount', 'ToItsPlace'] as const;

const begun = (step: string): RegExp => new RegExp(`▸ ${step} `);
const undoBegun = (step: string): RegExp => new RegExp(`▸ ${step} .*\\bundo$`, 'm');

describe.skipIf(reason)(
  `recovering a lost key, BELAY_SEED=${seed}${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 400_000 },
  () => {
    let recovery: Recovery;
    let before: Look;
    beforeAll(async () => {
      recovery = await Recovery.raise();
    }, 400_000);
    beforeEach(async () => {
      before = await recovery.look();
    }, 60_000);
    afterAll(async () => {
      await recovery?.down();
      expect(recovery?.world.endpoint.problems).toEqual([]);
    }, 90_000);

    const failing = (place: string): string =>
      recovery.desk.write('failing.yaml', failingAfter(runbook, place, accidentOn('p1')));
    const startFailing = (place: string): Going => recovery.start(failing(place), recovery.makeKey('new'));
    const counts = (): number[] => effects.map((effect) => recovery.count(effect));
    const since = (then: readonly number[]): number[] =>
      counts().map((count, index) => count - (then[index] ?? 0));

    const [failed, inTurn, undone] = [
      pick('failed after', ['ToItsPlace', 'Start', 'ProveKey', 'MarkOff'] as const),
      pick('killed in', acting.slice(0, 7) as unknown as [string, ...string[]]),
      pick('killed undoing', undoing.slice(1) as [string, ...string[]]),
    ];
    test(`killed in ${inTurn}, failed after ${failed}, killed in the undo of ${undone}: all is as before, and nothing was done twice`, async () => {
      const then = counts();
      const said = await killedAt(recovery.desk, startFailing(failed), [begun(inTurn), undoBegun(undone)]);
      expectTrouble(said, 3, 'rolled back clean');
      expect(await recovery.look()).toEqual(before);
      const isStarted = failed !== 'ToItsPlace';
      expect(since(then)).toEqual([4, 4, isStarted ? 2 : 1, isStarted ? 2 : 1]);
    });

    /** The run dies there, and with it the laptop on which alone it was known. */
    async function lose(place: (typeof losing)[number] | (typeof acting)[number]): Promise<void> {
      const detached = recovery.count('volumeDetached');
      const going = recovery.start(shippedFile(runbook), recovery.makeKey('lost-with-its-run'));
      if (place === 'between') await untilTrue(() => recovery.count('volumeDetached') > detached);
      else await going.writes(begun(place));
      going.process.kill('SIGKILL');
      await going.said;
      recovery.loseDesk();
    }
    /** Frees the lock of the run that was lost, as the refusal of the next one says. */
    async function free(): Promise<void> {
      const refused = await recovery.start(shippedFile(runbook), recovery.makeKey('refused')).said;
      expectTrouble(refused, 5, 'host:p1 is held by', 'belay unlock host:p1 --holder', 'nothing was changed');
      const words = /belay (unlock \S+ --holder \w+)/.exec(refused.stderr)?.[1] ?? '';
      expect(await recovery.desk.belay([...words.split(' '), '-y'])).toMatchObject({ code: 0 });
    }

    const lostAt = isThorough ? ([...losing, 'Stop', 'Start'] as const) : [pick('lost', losing)];
    for (const place of lostAt) {
      test(`lost for ever at ${place} (between: the root attached nowhere): the next run repairs first, is killed, resumed, and lets the new key in`, async () => {
        await lose(place);
        await free();
        const key = recovery.makeKey('new');
        const then = counts();
        const said = await killedAt(recovery.desk, recovery.start(shippedFile(runbook), key), [
          begun(pick('killed after the repair', ['ToHelper', 'Mount', 'AppendKey'] as const)),
        ]);
        expect(said, said.stderr).toMatchObject({ code: 0 });
        const after = await recovery.look();
        expect({ ...after, keys: '', snapshots: '' }).toEqual({ ...before, keys: '', snapshots: '' });
        expect(linesOf(after)).toEqual(expect.arrayContaining(linesOf(before)));
        expect(linesOf(after).at(-1)).toBe(key.line);
        // Moves of the second run's own: away and back; whatever else there is, is the repair, once.
        const [attached = 0, , stopped = 0, started = 0] = since(then);
        expect(attached).toBeGreaterThanOrEqual(2);
        expect(attached).toBeLessThanOrEqual(3);
        expect(stopped).toBeLessThanOrEqual(2);
        expect(started).toBeLessThanOrEqual(2);
      });
    }

    if (!isThorough) return;

    test('forward, and back again by a rollback that is asked for', async () => {
      const then = counts();
      const key = recovery.makeKey('found');
      const said = await recovery.start(shippedFile(runbook), key).said;
      expect(said, said.stderr).toMatchObject({ code: 0 });
      const after = await recovery.look();
      expect({ ...after, keys: '', snapshots: '' }).toEqual({ ...before, keys: '', snapshots: '' });
      expect(linesOf(after)).toEqual([...linesOf(before), key.line]);
      expect(since(then)).toEqual([2, 2, 1, 1]);
      const back = await recovery.desk.belay(['rollback', idOf(said), '-y']);
      expect(back, back.stderr).toMatchObject({ code: 0 });
      expect(await recovery.look()).toEqual(before);
    });

    test('a proof that fails takes everything back: the file, the volume in its place, the host running', async () => {
      const other = recovery.makeKey('other');
      const said = await recovery.start(shippedFile(runbook), recovery.makeKey('wanted'), other.file).said;
      expectTrouble(said, 3, 'KEY_REFUSED', 'rolled back clean');
      expect(await recovery.look()).toEqual(before);
    });

    for (const place of places) {
      test(`failed after ${place}: the file, the volume in its place, the host running, nothing left at the helper`, async () => {
        const said = await startFailing(place).said;
        if (places.indexOf(place) < places.indexOf('MarkRoot'))
          expectTrouble(said, 1, accidentName, 'Nothing is left changed');
        else expectTrouble(said, 3, accidentName, 'rolled back clean');
        expect(await recovery.look()).toEqual(before);
      });
    }

    test('killed in every step and in every undo, it goes on each time, and all is as before', async () => {
      const then = counts();
      const marks = [...acting.map(begun), begun('ProveKey'), begun('MarkOff'), ...undoing.map(undoBegun)];
      const said = await killedAt(recovery.desk, startFailing('MarkOff'), marks);
      expectTrouble(said, 3, accidentName, 'rolled back clean');
      expect(await recovery.look()).toEqual(before);
      expect(since(then)).toEqual([4, 4, 2, 2]);
    });

    test('lost with the root mounted at the helper, the next run failed in the midst of the repair: what is repaired stays and is named, and a third run repairs the rest', async () => {
      await lose('Mount');
      await free();
      const second = await startFailing('RepairPlace').said;
      const home = `attachment is ${recovery.world.instanceId('e1')} /dev/xvda, was`;
      expectTrouble(second, 1, accidentName, 'Still changed', home);
      const third = await startFailing('RepairMark').said;
      expectTrouble(third, 1, accidentName, 'Still changed', 'state is running, was stopped');
      expect({ ...(await recovery.look()), snapshots: '' }).toEqual({ ...before, snapshots: '' });
    });

    test('lost with the root mounted at the helper, the next run failed after the repair: it is taken back to what was before the first', async () => {
      await lose('Mount');
      await free();
      const said = await startFailing('ToItsPlace').said;
      expectTrouble(said, 3, accidentName, 'rolled back clean');
      expect({ ...(await recovery.look()), snapshots: '' }).toEqual({ ...before, snapshots: '' });
    });
  },
);

const linesOf = ({ keys }: Look): string[] => keys.split('\n').filter((line) => line.startsWith('ssh-'));
