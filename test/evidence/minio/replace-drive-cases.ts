/** runbooks/minio/replace-drive.yaml, with the test for the hands: what each server says of its drives, and what lies on the new one. */
import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { DriveNumber } from '../../lab/minio/drives.ts';
import type { MinioNode } from '../../lab/minio/configuration.ts';
import { idOf, type Said } from '../../support/command-line.ts';
import { expectTrouble } from '../trouble/expect-trouble.ts';
import { drawn, isThorough } from '../sample.ts';
import { placesOf, shipped, type Parameters, type Stand } from './stand.ts';

const name = 'replace-drive';
const caseMs = 240_000;
const objectCount = 20;
/** MinIO finds out that a drive was torn out under it. */
const tornOutMs = 10_000;
const bytesOf = (index: number) => createHash('sha512').update(String(index)).digest();

export function replaceDriveCases(stand: () => Stand): void {
  const secrets = { AdminSecret: 'env:MINIO_SECRET' };
  const given = (node: MinioNode, drive: DriveNumber): Parameters => ({
    ...stand().cluster,
    AdminKey: stand().minio.root.accessKey,
    Node: node,
    Drive: `/stg/data/data${drive}`,
    SwapSeconds: '1',
    HealSeconds: 120,
  });
  const run = (node: MinioNode, drive: DriveNumber, file = shipped(name)): Promise<Said> =>
    stand().run(file, given(node, drive), secrets);

  async function putObjects(): Promise<void> {
    const s3 = stand().minio.s3();
    await s3.createBucket('kept');
    for (let i = 0; i < objectCount; i += 1) await s3.put('kept', `${i}.bin`, bytesOf(i));
  }
  /** A node that was started answers before its peers know of it: all of them must say that all serve, and how many drives are ok. */
  async function untilAllServe(drivesOk?: number): Promise<void> {
    const { minio } = stand();
    const seen = async (node: MinioNode): Promise<string> => {
      const [{ status }, servers] = await Promise.all([minio.probe(node, 'cluster'), minio.info(node)]);
      const online = servers.filter(({ state }) => state === 'online').length;
      const ok = servers.flatMap(({ drives }) => drives).filter(({ state }) => state === 'ok').length;
      return `${status}, ${online} online, ${drivesOk === undefined ? 'any' : ok} drives`;
    };
    const all = () => Promise.all(minio.nodes.map((node) => seen(node).catch(String)));
    await expect
      .poll(all, { timeout: 90_000 })
      .toEqual(minio.nodes.map(() => `200, 4 online, ${drivesOk ?? 'any'} drives`));
  }
  async function expectWhole(node: MinioNode, drive: DriveNumber): Promise<void> {
    const { minio } = stand();
    for (const server of minio.nodes) {
      const drives = (await minio.info(server)).flatMap((one) => one.drives);
      expect(drives.filter(({ state, healing }) => state === 'ok' && !healing)).toHaveLength(16);
    }
    const pieces = await minio.run(node, `find /stg/data/data${drive}/kept -name xl.meta | wc -l`);
    expect(pieces).toBe(String(objectCount));
    for (let i = 0; i < objectCount; i += 1)
      expect((await minio.s3().get('kept', `${i}.bin`)).equals(bytesOf(i))).toBe(true);
  }

  test(
    'drive: replaced after a clean heal, healed under a runner that is killed, whole at the end',
    async () => {
      await putObjects();
      const watch = isThorough ? await stand().watch() : undefined;
      const waiting = await run('minio02', 3);
      expectTrouble(waiting, 6, 'Now replace the drive /stg/data/data3 of minio02', 'keep it aside');
      const id = idOf(waiting);
      const from = Date.now();
      await stand().minio.drives.blank('minio02', 3);
      const fault = { from, until: Date.now() + tornOutMs };
      expect((await stand().belay(['continue', id])).code).toBe(0);
      const going = stand().desk.start(['resume', id], { env: stand().env });
      await going.writes(/▸ Healed/);
      going.process.kill('SIGKILL');
      stand().heard(await going.said);
      const done = await stand().belay(['resume', id]);
      expect({ code: done.code, stderr: done.stderr }).toEqual({ code: 0, stderr: done.stderr });
      await watch?.endsWell([], fault);
      await expectWhole('minio02', 3);
      stand().expectNowhere();
    },
    caseMs,
  );

  // Behind the swap there is no way back, and these two are only met when a drive is out.
  const places = placesOf(name);
  const beforeSwap = places.slice(0, places.indexOf('Swap')).filter((place) => !/ThisOne/.test(place));
  for (const place of drawn(name, beforeSwap)) {
    test(
      `drive: failed after ${place}, before the swap, nothing is changed`,
      async () => {
        await putObjects();
        const said = await run('minio03', 2, stand().failingAfter(name, place));
        expectTrouble(said, 1, 'FailHere');
        await expectWhole('minio03', 2);
      },
      caseMs,
    );
  }

  test(
    'drive: one that was not replaced is found out, and the runbook does not go on with it',
    async () => {
      await putObjects();
      const waiting = await run('minio03', 2);
      const id = idOf(waiting);
      await stand().belay(['continue', id]);
      const said = await stand().belay(['resume', id]);
      expectTrouble(
        said,
        4,
        'Failed at NewDrive',
        'still holds the file system',
        'the drive was not replaced',
      );
    },
    caseMs,
  );

  test(
    'drive: one that holds files of somebody else, and one that is not a file system of its own, are named; blank, it is taken',
    async () => {
      const { minio } = stand();
      await putObjects();
      const id = idOf(await run('minio02', 2));
      const drive = '/stg/data/data2';
      await minio.drives.detach('minio02', 2);
      await minio.run('minio02', `mkdir -p /srv/other && mount --bind /srv/other ${drive}`);
      await stand().belay(['continue', id]);
      expectTrouble(
        await stand().belay(['resume', id]),
        4,
        'NewDrive',
        'which is not a file system of its own',
      );
      await minio.run('minio02', `umount ${drive}`);

      await minio.drives.attach('minio02', 2);
      await minio.drives.format('minio02', 2);
      await minio.drives.mount('minio02', 2);
      await minio.untilReady();
      const second = idOf(await run('minio02', 2));
      await minio.drives.blank('minio02', 2);
      const foreign =
        'mkdir "$0/photos of others" && echo mine >"$0/photos of others/1.jpg" && echo mine >"$0/notes"';
      await minio.run('minio02', ['sh', '-c', foreign, drive]);
      await stand().belay(['continue', second]);
      const said = await stand().belay(['resume', second]);
      expectTrouble(said, 4, 'Failed at NewDrive', `${drive} is not blank, it holds: notes photos of others`);

      await minio.drives.blank('minio02', 2);
      await minio.untilReady();
      await expect
        .poll(() => expectWhole('minio02', 2).then(() => 'whole', String), { timeout: 120_000 })
        .toBe('whole');
    },
    caseMs,
  );

  test(
    'drive: missing when MinIO starts, it is replaced all the same, and no other one is; blank, it heals, and nobody is called',
    async () => {
      const { minio } = stand();
      await putObjects();
      await minio.stopMinio('minio04');
      await minio.drives.detach('minio04', 1);
      await minio.startMinio('minio04');
      await untilAllServe(15);
      expectTrouble(
        await run('minio04', 2),
        1,
        '/stg/data/data2 is mounted and can be read. Either it is another one',
      );

      const waiting = await run('minio04', 1);
      expectTrouble(waiting, 6, 'Now replace the drive /stg/data/data1 of minio04');
      const id = idOf(waiting);
      await stand().belay(['continue', id]);
      const unmounted = await stand().belay(['resume', id]);
      expectTrouble(unmounted, 4, '/stg/data/data1 is not a mount point', 'Put it right');

      const again = idOf(await run('minio04', 1));
      await minio.drives.attach('minio04', 1);
      await minio.drives.format('minio04', 1);
      await minio.drives.mount('minio04', 1);
      await stand().belay(['continue', again]);
      const done = await stand().belay(['resume', again]);
      expect({ code: done.code, stderr: done.stderr }).toEqual({ code: 0, stderr: done.stderr });
      await expectWhole('minio04', 1);

      await minio.stopMinio('minio04');
      await minio.drives.blank('minio04', 1);
      await minio.startMinio('minio04');
      await untilAllServe();
      const refused = await run('minio04', 1);
      // On a slow machine MinIO has formatted it by then, or has even healed it, and the hands are called.
      if (refused.code === 6) await stand().belay(['cancel', idOf(refused)]);
      else expectTrouble(refused, 1, /is blank already: MinIO heals it by itself|drives are healing/);
      await minio.untilReady();
      await expect
        .poll(() => expectWhole('minio04', 1).then(() => 'whole', String), { timeout: 60_000 })
        .toBe('whole');
    },
    caseMs,
  );

  test.runIf(isThorough)(
    'drive: another node that is down ends it before the hands are called; one that goes down while they work is named and waited for',
    async () => {
      const { minio } = stand();
      await putObjects();
      await minio.stopMinio('minio03');
      const refused = await run('minio02', 2);
      await minio.startMinio('minio03');
      expectTrouble(refused, 1, 'Failed at Serving', 'minio03');
      await minio.untilHealthy();

      const waiting = await run('minio02', 2);
      expectTrouble(waiting, 6, 'Now replace the drive /stg/data/data2 of minio02');
      const id = idOf(waiting);
      await minio.stopMinio('minio03');
      try {
        await minio.drives.blank('minio02', 2);
        await stand().belay(['continue', id]);
        const going = stand().desk.start(['resume', id], { env: stand().env });
        await going.writes(/▸ Healed[^]*minio03/);
        await minio.startMinio('minio03');
        const done = stand().heard(await going.said);
        expect({ code: done.code, stderr: done.stderr }).toEqual({ code: 0, stderr: done.stderr });
      } finally {
        await minio.startMinio('minio03');
      }
      await expectWhole('minio02', 2);
    },
    caseMs * 2,
  );

  test(
    'drive: objects that cannot be made whole end it while the drive is in its place',
    async () => {
      const { minio } = stand();
      await minio.s3().createBucket('torn');
      await minio.s3().put('torn', 'object', randomBytes(1_000));
      for (const node of minio.nodes.slice(0, 4))
        await minio.run(
          node,
          'rm -rf /stg/data/data1/torn/object /stg/data/data2/torn/object /stg/data/data3/torn/object',
        );
      const said = await run('minio01', 1);
      expectTrouble(said, 1, 'Failed at HealBefore', 'torn/object', '4 drives hold it, 12 are needed');
      for (const node of minio.nodes)
        expect(await minio.run(node, 'find /stg/data/*/torn -name xl.meta | wc -l')).toBe('1');
      // By hand: a delete finds too few pieces to know the object, and leaves them to whatever heals next.
      for (const node of minio.nodes) await minio.run(node, 'rm -rf /stg/data/*/torn/object');
    },
    caseMs,
  );
}
