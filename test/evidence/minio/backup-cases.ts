/** runbooks/minio/backup.yaml: both sides listed and read object by object, by another S3 client than Belay's. */
import { createHash, randomBytes } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import type { S3 } from '../../lab/minio/s3.ts';
import { idOf, type Said } from '../../support/command-line.ts';
import { textOf } from '../patch/command.ts';
import { expectTrouble } from '../trouble/expect-trouble.ts';
import { drawn } from '../sample.ts';
import { placesOf, shipped, type Parameters, type Stand } from './stand.ts';

const name = 'backup';
const caseMs = 120_000;
const buckets = ['docs', 'scans'] as const;
/** At the target only; kept out of every comparison. */
const manifests = 'belay-manifests';

export function backupCases(stand: () => Stand): void {
  const given = (): Parameters => ({
    ...stand().cluster,
    ReaderKey: stand().minio.root.accessKey,
    TargetUrl: stand().minio.backupUrl,
    TargetKey: stand().minio.backup.accessKey,
    WaitSeconds: 2,
  });
  const secrets = { ReaderSecret: 'env:MINIO_SECRET', TargetSecret: 'env:BACKUP_SECRET' };
  const run = (file = shipped(name)): Promise<Said> => stand().run(file, given(), secrets);
  const here = (): S3 => stand().minio.s3();
  const there = (): S3 => stand().minio.s3('backup');

  async function contents(s3: S3, bucket: string): Promise<Record<string, string>> {
    const entries: [string, string][] = [];
    for (const { key } of await s3.list(bucket)) {
      const body = await s3.get(bucket, key);
      entries.push([key, createHash('sha256').update(body).digest('hex')]);
    }
    return Object.fromEntries(entries);
  }
  const bucketsOf = async (s3: S3): Promise<string[]> => {
    const text = (await s3.request({ path: '/' })).body.toString('utf8');
    return [...text.matchAll(/<Name>([^<]+)</g)].map(([, bucket]) => bucket ?? '').toSorted();
  };
  /** Everything at the target but the manifests. */
  async function target(): Promise<Record<string, Record<string, string>>> {
    const names = (await bucketsOf(there())).filter((bucket) => bucket !== manifests);
    return Object.fromEntries(
      await Promise.all(names.map(async (bucket) => [bucket, await contents(there(), bucket)] as const)),
    );
  }

  beforeAll(async () => {
    for (const bucket of buckets) {
      await here().createBucket(bucket);
      for (let i = 0; i < 12; i += 1) await here().put(bucket, `a b/${i}.bin`, randomBytes(2_000 + i));
    }
    await here().put('docs', 'large.bin', randomBytes(6_000_000));
    await there().createBucket('theirs');
    await there().put('theirs', 'of somebody else', 'kept');
  }, 60_000);

  test(
    'backup: a target that is down fails the run, and names it; nothing passes for copied',
    async () => {
      const before = await target();
      await stand().minio.run('bk1', 'systemctl stop versitygw');
      try {
        const said = await run();
        expectTrouble(said, 1, 'Failed at Backup', 'backup target', '7070');
        expect(said.stderr).not.toContain('objects proven');
      } finally {
        await stand().minio.run('bk1', 'systemctl start versitygw');
      }
      await expect.poll(() => bucketsOf(there()).catch(() => null), { timeout: 10_000 }).not.toBeNull();
      expect(await target()).toEqual(before);
    },
    caseMs,
  );

  for (const place of drawn(name, placesOf(name))) {
    test(
      `backup: failed after ${place}, what was copied stays, and its rollback takes away what it created and nothing else`,
      async () => {
        const before = await target();
        const said = await run(stand().failingAfter(name, place));
        expectTrouble(
          said,
          1,
          'FailHere',
          place === 'Backup' ? 'Nothing was undone' : 'Nothing is left changed',
        );
        if (place === 'Backup') {
          expect((await target())['docs']).toEqual(await contents(here(), 'docs'));
          const back = await stand().belay(['rollback', idOf(said), '--yes']);
          expect({ code: back.code, stderr: back.stderr }).toEqual({ code: 0, stderr: back.stderr });
        }
        expect(await target()).toEqual(before);
      },
      caseMs * 2,
    );
  }

  test(
    'backup: a target that takes one bucket and not the next fails the run and says that something is left; its rollback removes that',
    async () => {
      const before = await target();
      const { minio } = stand();
      await minio.run('bk1', 'touch /srv/backup/scans');
      const said = await run();
      await minio.run('bk1', 'rm /srv/backup/scans');
      expectTrouble(said, 1, 'Failed at Backup', 'backup target', 'belay rollback');
      expect((await target())['docs']).toEqual(await contents(here(), 'docs'));
      const back = await stand().belay(['rollback', idOf(said), '--yes']);
      expect({ code: back.code, stderr: back.stderr }).toEqual({ code: 0, stderr: back.stderr });
      expect(await target()).toEqual(before);
    },
    caseMs,
  );

  test(
    'backup: killed and resumed, every object is there; an equal size with other content is found and set right, and nothing is deleted',
    async () => {
      const going = stand().start(shipped(name), given(), secrets);
      await going.writes(/▸ Backup/);
      going.process.kill('SIGKILL');
      const killed = stand().heard(await going.said);
      const first = await stand().belay(['resume', idOf(killed)]);
      expect({ code: first.code, stderr: first.stderr }).toEqual({ code: 0, stderr: first.stderr });
      for (const bucket of buckets) expect((await target())[bucket]).toEqual(await contents(here(), bucket));

      const damaged = await there().get('docs', 'a b/3.bin');
      damaged[100] = (damaged[100] ?? 0) ^ 0xff;
      await there().put('docs', 'a b/3.bin', damaged);
      await there().put('docs', 'gone at the source', 'kept');
      const second = await run();
      expect({ code: second.code, stderr: second.stderr }).toEqual({ code: 0, stderr: second.stderr });
      expect(second.stderr).toContain('0 copied, 1 updated, 1 of them of equal size');
      const shown = await stand().show(second);
      const outputs = shown.steps.find((step) => step.name === 'Backup')?.outputs;
      expect(outputs).toMatchObject({ Copied: 0, Updated: 1, SameSizeOtherContent: 1 });
      expect((await target())['docs']).toEqual({
        ...(await contents(here(), 'docs')),
        'gone at the source': createHash('sha256').update('kept').digest('hex'),
      });
      expect((await target())['theirs']).toHaveProperty('of somebody else');

      const proof = textOf(shown, 'Backup', 'Manifest');
      expect(proof).toContain(manifests);
      const parts = (await there().list(manifests)).filter(({ key }) =>
        proof.includes(key.split('/')[0] ?? key),
      );
      const texts = await Promise.all(parts.map(({ key }) => there().get(manifests, key)));
      const hash = (await contents(here(), 'docs'))['large.bin'];
      expect(Buffer.concat(texts).toString('utf8')).toContain(hash);
      stand().expectNowhere();
    },
    caseMs,
  );
}
