/** kill -9 at chosen places of the PostgreSQL patch, forward and while the volumes go back to their snapshot. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { worldMissing } from '../../lab/world.ts';
import { raiseBed, type Bed } from './bed.ts';
import { killPoints, sample } from './kill-points.ts';
import { postgresql } from './postgresql.ts';
import { report } from './report.ts';
import { series, untouched } from './series.ts';

const reason = worldMissing();
const hosts = ['db1', 'db2', 'db3'];
const killsInCi = 6;
const seriesMs = 3_600_000;

describe.skipIf(reason)(
  `kill -9 of the PostgreSQL patch${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let bed: Bed;
    beforeAll(async () => {
      bed = await raiseBed(hosts);
    }, 360_000);
    afterAll(() => bed?.down(), 60_000);

    test(
      'forward: patched once, with one snapshot',
      async () => {
        const subject = postgresql(bed, 'patched');
        const { whole, runners } = await untouched(bed, 'db1', subject);
        expect(whole).toMatchObject({
          belay: { status: 'Success', rollbackStatus: 'notRequested' },
          host: { unit: 'active', rows: '1000', effects: ['snapshotCopied'], calls: { CreateSnapshot: 1 } },
        });
        expect(whole.host['upgrades']).toHaveLength(3);
        const { cuts, chosen } = sample(killPoints(runners.flatMap(({ passed }) => passed)), killsInCi);
        await report('patch-postgresql forward over ssh', cuts, chosen, async () => {
          expect(await series(bed, hosts, subject, cuts, whole)).toEqual([]);
        });
      },
      seriesMs,
    );

    test(
      'in rollback: the packages and the volume go back once each',
      async () => {
        const subject = postgresql(bed, 'climbing');
        const { whole, runners } = await untouched(bed, 'db1', subject);
        expect(whole).toMatchObject({
          belay: {
            status: 'Failed',
            failedStep: 'VerifyData',
            rollbackStatus: 'clean',
            rollback: expect.arrayContaining([
              ['Patch', 'undone'],
              ['SnapshotData', 'undone'],
            ]),
          },
          host: {
            unit: 'active',
            rows: '1000',
            mounted: 'ext4\n1',
            effects: ['snapshotCopied', 'volumeCreated', 'volumeDetached', 'volumeAttached'],
            calls: { CreateSnapshot: 1, CreateVolume: 1 },
          },
        });
        expect(whole.host['upgrades']).toHaveLength(6);
        const all = killPoints(runners.flatMap(({ passed }) => passed));
        const climb = all.slice(all.findIndex(({ at }) => at.includes('rollback0/')));
        const { cuts, chosen } = sample(climb, killsInCi);
        await report('patch-postgresql in rollback over ssh', cuts, chosen, async () => {
          expect(await series(bed, hosts, subject, cuts, whole)).toEqual([]);
        });
      },
      seriesMs,
    );
  },
);
