/**
 * kill -9 of a real runner after every write to its journal and around every effect, forward and in rollback, over
 * ssh through a bastion. The next runner ends as an untouched one does, by the word of the host and of the AWS
 * endpoint: every upgrade, restart, file and snapshot happened once.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { worldMissing } from '../../lab/world.ts';
import { raiseBed, type Bed } from './bed.ts';
import { demo, takenBack } from './demo.ts';
import { killPoints, sample } from './kill-points.ts';
import { report } from './report.ts';
import { restless, series, untouched } from './series.ts';

const reason = worldMissing();
const hosts = ['v1', 'v2', 'v3', 'v4'];
const rollbackKillsInCi = 8;
const seriesMs = 1_800_000;

describe.skipIf(reason)(`kill -9 over ssh${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let bed: Bed;
  beforeAll(async () => {
    bed = await raiseBed(hosts);
    for (const host of hosts) await bed.world.lab.publish(host, 'new');
  }, 360_000);
  afterAll(() => bed?.down(), 60_000);

  test(
    'forward: whatever the place, the next runner ends as an untouched one and nothing is done twice',
    async () => {
      const subject = demo(bed, 'ssh', '1.1');
      const { whole, runners } = await untouched(bed, 'v1', subject);
      expect(whole).toMatchObject({
        belay: { status: 'Success', rollbackStatus: 'notRequested' },
        host: {
          version: '1.1 installed',
          running: '1.1',
          unit: 'active enabled',
          file: expect.stringMatching(/^daemon:daemon 640 [0-9a-f]{64}/),
          upgrades: ['belay-demo:all 1.0 1.1'],
          effects: ['snapshotCopied'],
          calls: { CreateSnapshot: 1 },
        },
      });
      const cuts = killPoints(runners.flatMap(({ passed }) => passed));
      expect(cuts.length).toBeGreaterThan(50);
      await report('demo forward over ssh', cuts, 'every point', async () => {
        expect(await series(bed, hosts, subject, cuts, whole)).toEqual([]);
      });
    },
    seriesMs,
  );

  test(
    'in rollback: the climb goes on where it was, and ends where the run began',
    async () => {
      const subject = demo(bed, 'ssh', 'another version');
      const { whole, runners } = await untouched(bed, 'v1', subject);
      expect(whole).toMatchObject({
        belay: { status: 'Failed', failedStep: 'Check', rollbackStatus: 'clean' },
        host: {
          version: '1.0 installed',
          running: '1.0',
          unit: 'active enabled',
          file: 'absent',
          upgrades: ['belay-demo:all 1.0 1.1', 'belay-demo:all 1.1 1.0'],
          effects: ['snapshotCopied', 'snapshotDeleted'],
          calls: { CreateSnapshot: 1, DeleteSnapshot: 1 },
        },
      });
      const all = killPoints(runners.flatMap(({ passed }) => passed));
      const cuts = all.slice(all.findIndex(({ at }) => at.includes('rollback0/')) - 1);
      expect(cuts.length).toBeGreaterThan(40);
      await report('demo in rollback over ssh', cuts, 'every point', async () => {
        expect(await series(bed, hosts, subject, cuts, whole)).toEqual([]);
      });
    },
    seriesMs,
  );

  test(
    'in the rollback of a run that had ended: it is taken back once',
    async () => {
      const subject = takenBack(bed);
      const { whole, runners } = await untouched(bed, 'v1', subject);
      expect(whole).toMatchObject({
        belay: { status: 'Success', rollbackStatus: 'clean' },
        host: {
          version: '1.0 installed',
          file: 'absent',
          upgrades: ['belay-demo:all 1.0 1.1', 'belay-demo:all 1.1 1.0'],
          effects: ['snapshotCopied', 'snapshotDeleted'],
        },
      });
      const { cuts, chosen } = sample(killPoints(runners.flatMap(({ passed }) => passed)), rollbackKillsInCi);
      await report('belay rollback over ssh', cuts, chosen, async () => {
        expect(await series(bed, hosts, subject, cuts, whole)).toEqual([]);
      });
    },
    seriesMs,
  );

  test(
    'a runner that is killed after every third write, again and again, still arrives',
    async () => {
      const subject = demo(bed, 'ssh', 'another version');
      const { whole } = await untouched(bed, 'v1', subject);
      const { runners, found } = await restless(bed, 'v1', subject, 3);
      process.stderr.write(`one run in rollback, ended by ${runners} runners\n`);
      expect(runners).toBeGreaterThan(20);
      expect(found).toEqual(whole);
    },
    seriesMs,
  );
});
