/**
 * minio/rolling-patch on a real cluster, under a load through nginx, watched from outside: forward, failed at a step, killed,
 * and in trouble. CI draws one place for the failure by a seed (BELAY_SEED draws the same); BELAY_FAULTS=all takes every one.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { MinioNode } from '../../lab/minio/configuration.ts';
import { paths } from '../../lab/minio/configuration.ts';
import { MinioLab } from '../../lab/minio/cluster.ts';
import type { Going, Said } from '../../support/command-line.ts';
import { idOf } from '../../support/command-line.ts';
import { accidentOn, failingAfter as failingStep, placesIn } from '../failing-step.ts';
import { failingAfter, turnSteps, type TurnStep } from './failing.ts';
import { isThorough, pick, seed } from '../sample.ts';
import { incompleteObjects } from './healed.ts';
import { MinioStage, shippedFile, type Look } from './stage.ts';

const reason = MinioLab.unavailable();
const two = ['minio01', 'minio02'] as const;
const caseMs = 600_000;

describe.skipIf(reason)(
  `minio/rolling-patch, BELAY_SEED=${seed}${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: caseMs },
  () => {
    let stage: MinioStage;
    let before: Look;
    beforeAll(async () => {
      stage = await MinioStage.up();
    }, 400_000);
    afterAll(() => stage?.down(), 120_000);
    beforeEach(async () => {
      await stage.reset();
      before = await stage.look();
    }, 120_000);
    afterEach(() => stage?.endAll(), 60_000);

    /** Forward or back, a killed run is resumed until it ends of itself. */
    const resumed = async (ended: Said): Promise<Going> => stage.start(['resume', idOf(ended)]);
    const kill = async (going: Going): Promise<Said> => {
      going.process.kill('SIGKILL');
      return going.said;
    };

    test('patches all four nodes without a failed request; a second run is told who holds the cluster', async () => {
      const watch = await stage.watch();
      const going = stage.patch();
      await going.writes(/✔ Stop +minio01/);

      using other = stage.newDesk();
      const second = await other.belay(stage.patchWords(shippedFile('rolling-patch')));

      const said = await going.said;
      expect(said, said.stderr).toMatchObject({ code: 0 });
      const versions = await Promise.all(stage.minio.nodes.map((node) => stage.packageVersion(node)));
      expect(versions).toEqual(['1.1', '1.1', '1.1', '1.1']);
      await watch.endsWell(stage.minio.nodes);
      const after = await stage.look();
      expect({ ...after, nodes: {} }).toEqual({ ...before, nodes: {} });

      expect(second.code, second.stderr).toBe(5);
      expect(second.stderr).toMatch(
        new RegExp(
          `Refused: (cluster:minio|host:lb1) is held by ${idOf(said)} \\(rolling-patch, .+@.+\\) since `,
        ),
      );
    });

    // One by one only in the whole matrix: the killed run below fails, too, after a step that the seed draws.
    const failures: readonly (readonly [TurnStep, MinioNode])[] = isThorough
      ? turnSteps.map((step) => [step, 'minio02'])
      : [];
    for (const [step, node] of failures) {
      test(`failed after ${step} of ${node}: everything is as before, and no request has failed`, async () => {
        const watch = await stage.watch();
        const file = stage.desk.write('failing.yaml', failingAfter(step, node));
        const said = await stage.patch({ Targets: [...two] }, file).said;
        expect(said, said.stderr).toMatchObject({ code: 3 });
        expect(await stage.show(said)).toMatchObject({ status: 'Failed', rollbackStatus: 'clean' });
        await watch.endsWell([]);
        expect(await stage.look()).toEqual(before);
      });
    }

    const outside = isThorough ? placesIn('minio/rolling-patch').filter((place) => !place.includes('/')) : [];
    for (const place of outside) {
      test(`failed after ${place}, outside the turns: everything is as before, and no request has failed`, async () => {
        const watch = await stage.watch();
        const document = failingStep('minio/rolling-patch', place, accidentOn('minio02'));
        const file = stage.desk.write('failing.yaml', document);
        const said = await stage.patch({ Targets: [...two] }, file).said;
        // Before the canaries nothing was begun that could be taken back.
        expect(said, said.stderr).toMatchObject({
          code: ['CanaryBefore', 'PatchNodes'].includes(place) ? 3 : 1,
        });
        await watch.endsWell([]);
        expect(await stage.look()).toEqual(before);
      });
    }

    const failing = pick('failed after', ['Stop', 'Patch', 'Start', 'Settle', 'Heal', 'Undrain'] as const);
    const inTurn = pick('killed in', ['Drain', 'Stop', 'Patch', 'Start', 'Settle', 'Heal'] as const);
    const inRollback = pick('killed undoing', ['StopAgain', 'StartAgain', 'SettleAgain', 'PutBack'] as const);
    test(`killed in ${inTurn} of the first node, between nodes and in ${inRollback} of the rollback, failed after ${failing} of the second: all is as before`, async () => {
      const watch = await stage.watch();
      const file = stage.desk.write('failing.yaml', failingAfter(failing, 'minio02'));
      let going = stage.patch({ Targets: [...two], BakeSeconds: 5 }, file);
      await going.writes(new RegExp(`▸ ${inTurn} `));
      const killed = await kill(going);
      for (const words of [['list'], ['locks'], ['show', idOf(killed)]]) {
        const { stdout } = await stage.desk.belay(words);
        // In Drain itself nobody knows yet whether it came that far.
        const out =
          /minio01\.lab:9000 (?:is|may be) out of the load balancer on lb1[^]*belay resume \S+ goes on, belay cancel/;
        expect(stdout, words[0]).toMatch(out);
      }
      going = await resumed(killed);
      await going.writes(/✔ Undrain [^]*✔ MayGo [^]*✔ Alike /);
      going = await resumed(await kill(going));
      await going.writes(new RegExp(`▸ ${inRollback} `));
      going = await resumed(await kill(going));
      const said = await going.said;
      expect(said, said.stderr).toMatchObject({ code: 3 });
      expect(await stage.show(said)).toMatchObject({ status: 'Failed', rollbackStatus: 'clean' });
      await watch.endsWell([]);
      expect(await stage.look()).toEqual(before);
    });

    /** Takes the object from three drives of each of these nodes, past MinIO. */
    const tear = async (key: string, nodes: readonly MinioNode[]): Promise<void> => {
      for (const node of nodes) await stage.minio.run(node, `rm -rf /stg/data/data[123]/kept/'${key}'`);
    };
    const piecesOf = (): Promise<readonly string[]> =>
      Promise.all(
        stage.minio.nodes.map((node) =>
          stage.minio.run(node, 'find /stg/data/*/kept -name xl.meta 2>/dev/null | wc -l'),
        ),
      );
    const drained = (): Promise<string> =>
      stage.minio.run('lb1', `grep -o 'minio0.*down;' ${paths.nginxConfiguration} || true`);
    const whole = async (key: string): Promise<void> => {
      await stage.minio.s3().createBucket('kept');
      await stage.minio.s3().put('kept', key, randomBytes(5_000));
    };

    test.runIf(isThorough)(
      'an object that is torn in a turn ends it by name: what is left of it stays, no node is stopped any more, and the one at hand goes back into nginx with its new package',
      async () => {
        const key = 'docs/torn one.bin';
        await whole(key);
        const watch = await stage.watch();
        const going = stage.patch({ Targets: [...two] });
        await going.writes(/✔ Stop +minio01/);
        await tear(key, ['minio02', 'minio03', 'minio04']);
        const said = await going.said;
        expect(said, said.stderr).toMatchObject({ code: 4 });
        expect(said.stderr).toMatch(
          /TORN_OBJECTS[^]*kept\/docs\/torn one\.bin \(7 drives hold it, 12 are needed\)/,
        );
        expect(said.stderr).toMatch(
          /not done, because it builds on the undo of PatchNodes@minio01\/Start, which did not succeed/,
        );
        expect(said.stderr).not.toMatch(/✔ (?:StopAgain|Stop +minio02)/);
        expect(await piecesOf()).toEqual(['4', '1', '1', '1']);
        expect(await drained()).toBe('');
        expect(await stage.packageVersion('minio01')).toBe('1.1');
        // Given up: MinIO's own heal removes what is left.
        await incompleteObjects(stage.minio);
        const back = await stage.desk.belay(['rollback', idOf(said), '-y']);
        expect(back, back.stderr).toMatchObject({ code: 0 });
        await watch.endsWell(['minio01']);
        expect(await stage.look()).toEqual(before);
      },
    );

    test.runIf(isThorough)(
      'an object that is torn while a node is stopped on the way down keeps that node out of nginx and the others untouched, until it is put right',
      async () => {
        const key = 'docs/torn two.bin';
        await whole(key);
        const watch = await stage.watch();
        const file = stage.desk.write('failing.yaml', failingAfter('Undrain', 'minio02'));
        const going = stage.patch({ Targets: [...two] }, file);
        await going.writes(/✔ StopAgain/);
        await tear(key, ['minio01', 'minio03', 'minio04']);
        const said = await going.said;
        expect(said, said.stderr).toMatchObject({ code: 4 });
        expect(said.stderr).toMatch(/HealAgain[^]*TORN_OBJECTS/);
        expect(said.stderr).toMatch(/not touched, because minio02 comes first/);
        expect(await drained()).toMatch(/^minio02.lab:9000/);
        expect(await stage.packageVersion('minio01')).toBe('1.1');
        // Given up: MinIO's own heal removes what is left.
        await incompleteObjects(stage.minio);
        const back = await stage.desk.belay(['rollback', idOf(said), '-y']);
        expect(back, back.stderr).toMatchObject({ code: 0 });
        await watch.endsWell([...two]);
        expect(await stage.look()).toEqual(before);
      },
    );

    test.runIf(isThorough)(
      'a peer that hangs in the turn of another node is named and waited for once; no third node is touched, and the node at hand goes back into nginx',
      async () => {
        const watch = await stage.watch();
        const going = stage.patch({ Targets: [...two] });
        await going.writes(/✔ Start +minio01/);
        await stage.minio.run('minio03', 'systemctl kill -s STOP minio');
        const frozenAt = Date.now();
        await going.writes(/NODE_HANGS[^]*minio03 hangs/);
        // It says so after some 50 s; a machine under load needs longer for all else.
        expect(Date.now() - frozenAt).toBeLessThan(120_000);
        const said = await going.said;
        expect(said, said.stderr).toMatchObject({ code: 4 });
        expect(said.stderr).not.toMatch(/✔ (?:StopAgain|Stop +minio02)/);
        expect(await drained()).toBe('');
        await stage.minio.run('minio03', 'systemctl kill -s CONT minio');
        // MinIO itself takes up to 20 s to reach all drives again.
        const until = Date.now() + 20_000;
        const back = await stage.desk.belay(['rollback', idOf(said), '-y']);
        expect(back, back.stderr).toMatchObject({ code: 0 });
        await watch.endsWell(['minio01'], { from: frozenAt, until });
        expect(await stage.look()).toEqual(before);
      },
    );

    test.runIf(isThorough)(
      'drives of a peer that fill up in a turn are named; no further node is touched, and a rollback mends all when they have room again',
      async () => {
        const watch = await stage.watch();
        const going = stage.patch({ Targets: [...two] });
        await going.writes(/✔ Stop +minio01/);
        const from = Date.now();
        const each = 'for n in 1 2 3 4; do d=/stg/data/data$n;';
        await stage.minio.run(
          'minio03',
          `${each} fallocate -l $(($(df --output=avail -B1 $d | tail -1) - 200000)) $d/full; done`,
        );
        const said = await going.said;
        await stage.minio.run('minio03', `${each} rm -f $d/full; done`);
        const until = Date.now() + 5_000;
        expect(said, said.stderr).toMatchObject({ code: 4 });
        // While minio01 is away nothing can be written; once it is back, what was written meanwhile cannot be made whole.
        expect(said.stderr).toMatch(
          /(?:DRIVES_FULL[^]*takes no writes|COULD_NOT_HEAL)[^]*minio03\.lab:9000\/stg\/data\/data1 has \d+ % of its space free/,
        );
        expect(said.stderr).not.toMatch(/✔ (?:StopAgain|Stop +minio02)/);
        const back = await stage.desk.belay(['rollback', idOf(said), '-y']);
        expect(back, back.stderr).toMatchObject({ code: 0 });
        await watch.endsWell(['minio01'], { from, until });
        expect(await stage.look()).toEqual(before);
      },
    );

    test.runIf(isThorough)(
      'a load balancer that reboots while a node is out of it comes back with the node out, and gets it back in its turn',
      async () => {
        const watch = await stage.watch();
        const going = stage.patch({ Targets: ['minio01'] });
        await going.writes(/✔ Stop +minio01/);
        const from = Date.now();
        await stage.minio.lab.reboot('lb1');
        await expect
          .poll(() => stage.minio.probe('minio02', 'live'), { timeout: 60_000 })
          .toMatchObject({
            status: 200,
          });
        const until = Date.now() + 10_000;
        const said = await going.said;
        expect(said, said.stderr).toMatchObject({ code: 0 });
        expect(await drained()).toBe('');
        await watch.endsWell(['minio01'], { from, until });
        expect({ ...(await stage.look()), nodes: {} }).toEqual({ ...before, nodes: {} });
      },
    );

    test('an nginx that refuses its configuration stops it at the first node, with nothing changed', async () => {
      await stage.minio.run('lb1', 'echo "nonsense on;" >/etc/nginx/conf.d/broken.conf');
      try {
        const asBroken = await stage.look();
        const said = await stage.patch().said;
        expect(said, said.stderr).toMatchObject({ code: 3 });
        expect(said.stderr).toMatch(
          /NGINX_REFUSED[^]*nginx refuses its configuration even as it is, so nothing was changed: .*unknown directive "nonsense" in \/etc\/nginx\/conf.d\/broken.conf/,
        );
        expect(await stage.look()).toEqual(asBroken);
      } finally {
        await stage.minio.run('lb1', 'rm /etc/nginx/conf.d/broken.conf');
      }
    });

    test('with a node down before the start nothing is begun', async () => {
      await stage.minio.stopMinio('minio03');
      const down = await stage.minio.run('lb1', `sha256sum ${paths.nginxConfiguration}`);
      const said = await stage.patch().said;
      await stage.minio.startMinio('minio03');
      expect(said, said.stderr).toMatchObject({ code: 1 });
      expect(said.stderr).toMatch(/AskBefore[^]*NODE_NOT_ANSWERING[^]*minio03/);
      expect(await stage.minio.run('lb1', `sha256sum ${paths.nginxConfiguration}`)).toBe(down);
      await stage.minio.untilHealthy();
      expect(await stage.look()).toEqual(before);
    });

    test.runIf(isThorough)(
      'a node whose system asks for a reboot gets one, and is back with its drives before it serves',
      async () => {
        const boots = () => stage.minio.run('minio03', 'cat /proc/sys/kernel/random/boot_id');
        const first = await boots();
        await stage.minio.run('minio03', 'touch /run/reboot-required');
        const watch = await stage.watch();
        const said = await stage.patch({ Targets: ['minio03'] }).said;
        expect(said, said.stderr).toMatchObject({ code: 0 });
        expect(await boots()).not.toBe(first);
        await watch.endsWell(['minio03']);
        expect((await stage.look()).drives).toBe('16 of 16 ok');
      },
    );

    test.runIf(isThorough)(
      'a node that freezes in its turn stays out of nginx, and no other node is touched',
      async () => {
        const watch = await stage.watch();
        const going = stage.patch({ Targets: [...two] });
        await going.writes(/✔ Stop +minio02/);
        await stage.minio.lab.freeze('minio02');
        const said = await going.said;
        expect(said, said.stderr).toMatchObject({ code: 4 });
        expect(
          await stage.minio.run('lb1', `grep -c 'minio02.lab:9000.* down;' ${paths.nginxConfiguration}`),
        ).toBe('1');
        expect(await stage.packageVersion('minio01')).toBe('1.1');
        await stage.minio.lab.thaw('minio02');
        await stage.minio.startMinio('minio02');
        await stage.minio.untilHealthy();
        const back = await stage.desk.belay(['rollback', idOf(said), '-y']);
        expect(back, back.stderr).toMatchObject({ code: 0 });
        // What was written while the node was away is healed by the rollback, too.
        await watch.endsWell(['minio01', 'minio02']);
        expect(await stage.look()).toEqual(before);
      },
    );
  },
);
