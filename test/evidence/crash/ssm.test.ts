/** kill -9 at chosen places of the demo over SSM: every question and every command of it is a SendCommand. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { worldMissing } from '../../lab/world.ts';
import { raiseBed, start, type Bed } from './bed.ts';
import { demo } from './demo.ts';
import { killPoints, sample } from './kill-points.ts';
import { report } from './report.ts';
import { series, untouched, type Subject } from './series.ts';

const reason = worldMissing();
const hosts = ['v1', 'v2', 'v3', 'v4'];
const runCommand = fileURLToPath(new URL('command.yaml', import.meta.url));
const killsInCi = 12;
const seriesMs = 3_600_000;

describe.skipIf(reason)(`kill -9 over SSM${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let bed: Bed;
  beforeAll(async () => {
    bed = await raiseBed(hosts);
    for (const host of hosts) await bed.world.lab.publish(host, 'new');
  }, 360_000);
  afterAll(() => bed?.down(), 60_000);

  test(
    'up and down again: the next runner ends as an untouched one and nothing is done twice',
    async () => {
      const subject = demo(bed, 'ssm', 'another version');
      const { whole, runners } = await untouched(bed, 'v1', subject);
      expect(whole).toMatchObject({
        belay: { status: 'Failed', failedStep: 'Check', rollbackStatus: 'clean' },
        host: {
          version: '1.0 installed',
          file: 'absent',
          upgrades: ['belay-demo:all 1.0 1.1', 'belay-demo:all 1.1 1.0'],
          effects: ['snapshotCopied', 'snapshotDeleted'],
        },
      });
      const { cuts, chosen } = sample(killPoints(runners.flatMap(({ passed }) => passed)), killsInCi);
      await report('demo over SSM', cuts, chosen, async () => {
        expect(await series(bed, hosts, subject, cuts, whole)).toEqual([]);
      });
    },
    seriesMs,
  );

  test(
    'aws:runCommand, cut at every point: the command ran once',
    async () => {
      const { lab } = bed.world;
      const instanceId = (host: string) => bed.world.instanceId(host);
      const subject: Subject = {
        way: 'ssm',
        reset: async (host) => {
          await lab.exec(host, 'rm -f /var/tmp/runs');
        },
        start: (host) => start(bed.belay(host, 'ssm'), runCommand, { InstanceId: instanceId(host) }),
        look: async (host) => ({ runs: (await lab.exec(host, 'cat /var/tmp/runs')).stdout }),
      };
      const { whole, runners } = await untouched(bed, 'v1', subject);
      expect(whole).toMatchObject({ belay: { status: 'Success' }, host: { runs: 'ran\n' } });
      const cuts = killPoints(runners.flatMap(({ passed }) => passed));
      await report('aws:runCommand over SSM', cuts, 'every point', async () => {
        expect(await series(bed, hosts, subject, cuts, whole)).toEqual([]);
      });
    },
    seriesMs,
  );
});
