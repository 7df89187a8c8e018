/** kill -9 while volumes are exchanged: made, unmounted, detached, attached and mounted once, forth and back again. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { worldMissing } from '../../lab/world.ts';
import { raiseBed, type Bed } from './bed.ts';
import { killPoints, sample } from './kill-points.ts';
import { report } from './report.ts';
import { series, untouched } from './series.ts';
import { volumes } from './volumes.ts';

const reason = worldMissing();
const hosts = ['v1', 'v2', 'v3'];
const killsInCi = 6;
const seriesMs = 3_600_000;

describe.skipIf(reason)(`kill -9 of a restore${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let bed: Bed;
  beforeAll(async () => {
    bed = await raiseBed(hosts);
  }, 360_000);
  afterAll(() => bed?.down(), 60_000);

  test(
    'forward: one new volume in the place of the old one, with the sound data',
    async () => {
      const subject = volumes(bed, 'sound');
      const { whole, runners } = await untouched(bed, 'v1', subject);
      expect(whole).toMatchObject({
        belay: { status: 'Success' },
        host: {
          state: 'sound',
          mounts: '1',
          unit: 'active',
          isOldVolume: false,
          effects: ['snapshotCopied', 'volumeCreated', 'volumeDetached', 'volumeAttached'],
        },
      });
      const all = killPoints(runners.flatMap(({ passed }) => passed));
      const { cuts, chosen } = sample(
        all.slice(all.findIndex(({ at }) => at.includes('Restore'))),
        killsInCi,
      );
      await report('ebs:restore over ssh', cuts, chosen, async () => {
        expect(await series(bed, hosts, subject, cuts, whole)).toEqual([]);
      });
    },
    seriesMs,
  );

  test(
    'in rollback: the old volume comes back, and the new one goes',
    async () => {
      const subject = volumes(bed, 'something else');
      const { whole, runners } = await untouched(bed, 'v1', subject);
      expect(whole).toMatchObject({
        belay: { status: 'Failed', failedStep: 'Check', rollbackStatus: 'clean' },
        host: {
          state: 'sound\nhurt',
          mounts: '1',
          unit: 'active',
          isOldVolume: true,
          effects: expect.arrayContaining([
            'volumeCreated',
            'volumeDetached',
            'volumeAttached',
            'volumeDeleted',
          ]),
        },
      });
      const all = killPoints(runners.flatMap(({ passed }) => passed));
      const { cuts, chosen } = sample(
        all.slice(all.findIndex(({ at }) => at.includes('rollback0/'))),
        killsInCi,
      );
      await report('ebs:restore in rollback over ssh', cuts, chosen, async () => {
        expect(await series(bed, hosts, subject, cuts, whole)).toEqual([]);
      });
    },
    seriesMs,
  );
});
