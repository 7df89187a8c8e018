/** runbooks/postgresql/patch-replicas.yaml, under a writer: one more step fails behind each step, on both ways of treating the primary. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { stringify } from 'yaml';
import { Lab } from '../../lab/hosts/lab.ts';
import { DrawnCases } from '../drawn-cases.ts';
import { accidentOn, failingAfter, placesIn } from '../failing-step.ts';
import { runOf } from '../patch/way.ts';
import { isThorough } from '../sample.ts';
import { notDrawn, primary, raiseReplicas, standbys, type Replicas } from './replicas.ts';

const reason = Lab.unavailable() ?? notDrawn('cut off');
const caseMs = 500_000;
const runbook = 'postgresql/patch-replicas';
const all = placesIn(runbook);
const stopped = all.slice(all.indexOf('StopPrimary'), all.indexOf('StillFollowing') + 1);
const switched = all.slice(all.indexOf('StopFormer'));
const afterPromotion = all.slice(all.indexOf('Promote'));
/** CI draws one of these; the others are in the whole matrix only. */
const inCi = [
  'PatchStandbys/Patch',
  'PatchPrimary',
  'StopFormer',
  'Fence',
  'Promote',
  'OthersFollow/Follow',
  'Rewind',
];
const approver = process.env['USER'] ?? 'root';

describe.skipIf(reason)(
  `a primary with two standbys, cut off behind every step${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let replicas: Replicas;
    beforeAll(async () => {
      replicas = await raiseReplicas();
    }, 400_000);
    afterAll(() => replicas?.down(), 120_000);

    const cases = new DrawnCases();
    for (const place of isThorough ? all : inCi) {
      const isSwitchover = !stopped.includes(place);
      const isPast = afterPromotion.includes(place);
      const way = isSwitchover ? 'with a switchover' : 'without a switchover';
      const end = isPast ? 'the new primary alone is one' : 'the old primary serves, all as before';
      cases.test(`failed after ${place}, ${way}: ${end}, and no acknowledged row is missing`, async () => {
        await replicas.reset();
        await replicas.startWriter();
        const document = failingAfter(runbook, place, accidentOn('db3'));
        const running = replicas.begin(
          runOf(await replicas.runbook('failing.yaml', stringify(document)), {
            Cluster: 'postgres',
            Primary: primary,
            Standbys: standbys.join(','),
            Version: replicas.versions.new,
            Approvers: approver,
            CatchUpSeconds: '60',
            ...(isSwitchover
              ? { SwitchoverTo: 'db2', ConnInfo: `host=${replicas.world.lab.address('db2')} user=postgres` }
              : {}),
          }),
        );
        if (
          stopped.includes(place) ||
          switched.includes(place) ||
          ['AskPrimary', 'MayStop', 'BeforeStop'].includes(place)
        ) {
          await running.says('AskPrimary', 300);
          const { executionId } = await replicas.show();
          const said = await replicas.belay(['approve', executionId, '--step', 'AskPrimary']);
          expect(said.code, said.stderr).toBe(0);
        }
        const { code, stderr } = await running.ended;
        expect(await replicas.primaries(), stderr).toEqual([isPast ? 'db2' : primary]);
        if (isPast) expect(stderr).toContain('POINT_OF_NO_RETURN');
        else {
          expect([1, 3], stderr).toContain(code);
          const said = await Promise.all(
            [primary, ...standbys].map((host) => replicas.sql(host, 'show server_version')),
          );
          expect(said).toEqual([0, 1, 2].map(() => expect.stringContaining(`${replicas.versions.old})`)));
        }
        // The writer finds the primary, whichever it is, and goes on.
        const before = await replicas.acknowledged();
        await expect.poll(() => replicas.acknowledged(), { timeout: 60_000 }).toBeGreaterThan(before);
        expect(await replicas.lost(isPast ? 'db2' : primary)).toBe('');
      });
    }
    cases.draw('a primary with two standbys, cut off', caseMs);
  },
);
