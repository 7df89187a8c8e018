/** runbooks/minio/restore.yaml: what a backup brought away comes back byte for byte, header for header and tag for tag. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { S3 } from '../../lab/minio/s3.ts';
import { idOf, type Said } from '../../support/command-line.ts';
import { expectTrouble } from '../trouble/expect-trouble.ts';
import { isThorough } from '../sample.ts';
import { several } from './several.ts';
import { shipped, type Parameters, type Stand } from './stand.ts';

const bucket = 'restored';
/** 5,000 objects are some 60,000 requests of the test and of Belay, a hundred a second on two cores. CI's few are ten runs of Belay, 20 s each at a load of 60. */
const caseMs = isThorough ? 2_400_000 : 600_000;
const objectCount = isThorough ? 5_000 : 12;
const headersKept = [
  'content-type',
  'content-encoding',
  'content-disposition',
  'content-language',
  'cache-control',
  'expires',
];

const keyOf = (index: number): string =>
  [`plain/${index}`, `ü b+&'(${index}).bin`, `a%2Fb=${index};?#`, `deep/er/${index}/x`][index % 4] ?? '';
const bytesOf = (index: number): Buffer =>
  Buffer.concat(
    Array.from({ length: (index % 7) * 300 }, (_, at) =>
      createHash('sha256').update(`${index} ${at}`).digest(),
    ),
  );
const headersOf = (index: number): Record<string, string> => ({
  ...(index % 2 === 0
    ? { 'content-type': 'text/plain; charset=utf-8', 'x-amz-meta-owner': `o ${index}` }
    : {}),
  ...(index % 3 === 0
    ? {
        'cache-control': 'max-age=60',
        'content-disposition': `attachment; filename="${index}.bin"`,
        'content-language': 'de',
        expires: 'Wed, 21 Oct 2037 07:28:00 GMT',
      }
    : {}),
  ...(index % 5 === 0 ? { 'x-amz-tagging': `class=secret&number=${index}` } : {}),
});

export function restoreCases(stand: () => Stand): void {
  const here = (): S3 => stand().minio.s3();
  const shared = (): Parameters => ({
    ...stand().cluster,
    TargetUrl: stand().minio.backupUrl,
    TargetKey: stand().minio.backup.accessKey,
    WaitSeconds: 20,
  });
  const backUp = (): Promise<Said> =>
    stand().run(
      shipped('backup'),
      { ...shared(), ReaderKey: stand().minio.root.accessKey },
      { ReaderSecret: 'env:MINIO_SECRET', TargetSecret: 'env:BACKUP_SECRET' },
    );
  const given = (more: Parameters): Parameters => ({
    ...shared(),
    WriterKey: stand().minio.root.accessKey,
    Bucket: bucket,
    ...more,
  });
  const secrets = { WriterSecret: 'env:MINIO_SECRET', TargetSecret: 'env:BACKUP_SECRET' };
  const restore = (more: Parameters = {}): Promise<Said> =>
    stand().run(shipped('restore'), given(more), secrets);

  async function seen(key: string): Promise<string> {
    const path = `/${bucket}/${key}`;
    const answer = await here().request({ path });
    if (answer.status !== 200) return String(answer.status);
    const hasTags = answer.headers['x-amz-tagging-count'] !== undefined;
    const tags = hasTags
      ? (await here().request({ path, query: { tagging: '' } })).body.toString('utf8')
      : '';
    const own = Object.entries(answer.headers)
      .filter(([name]) => headersKept.includes(name) || name.startsWith('x-amz-meta-'))
      .map(([name, value]) => `${name}: ${String(value)}`)
      .toSorted();
    const pairs = [...tags.matchAll(/<Key>([^<]+)<\/Key><Value>([^<]*)<\/Value>/g)].map(
      ([, name, value]) => `${name}=${value}`,
    );
    const sum = createHash('sha256').update(answer.body).digest('hex');
    return JSON.stringify([sum, own, pairs.toSorted()]);
  }
  async function all(): Promise<Record<string, string>> {
    const entries: Record<string, string> = {};
    await several(objectCount, async (index) => {
      entries[keyOf(index)] = await seen(keyOf(index));
    });
    return entries;
  }
  /** The first hundred: where one object was to change, the others are not read all. */
  const near = Array.from({ length: Math.min(100, objectCount) }, (_, index) => keyOf(index));
  async function some(): Promise<Record<string, string>> {
    return Object.fromEntries(await Promise.all(near.map(async (key) => [key, await seen(key)] as const)));
  }
  const someOf = (whole: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(Object.entries(whole).filter(([key]) => near.includes(key)));
  async function put(index: number, body: Buffer, headers: Record<string, string>): Promise<void> {
    const answer = await here().request({ method: 'PUT', path: `/${bucket}/${keyOf(index)}`, body, headers });
    if (answer.status !== 200)
      throw new Error(`${keyOf(index)}: ${answer.status} ${answer.body.toString('utf8')}`);
  }

  test(
    `restore: ${objectCount} objects with odd keys, headers and tags come back as they were, also under a runner that is killed; what stood there is kept, and its rollback puts it back`,
    async () => {
      await here().createBucket(bucket);
      await several(objectCount, (index) => put(index, bytesOf(index), headersOf(index)));
      const original = await all();
      expect(original[keyOf(0)]).toMatch(/x-amz-meta-owner: o 0.*class=secret/);
      const backedUp = await backUp();
      expect({ code: backedUp.code, stderr: backedUp.stderr }).toEqual({ code: 0, stderr: backedUp.stderr });

      const drill = await restore({ Verify: 'sample', SampleSize: 10 });
      expect({ code: drill.code, stderr: drill.stderr }).toEqual({ code: 0, stderr: drill.stderr });
      expect(drill.stderr).toMatch(/10 copies of belay-manifests\/\S+ can be restored, by sha256/);

      // Lost, overwritten, and left alone but for what describes it.
      await several(objectCount, async (index) => {
        if (index % 4 === 0) await here().delete(bucket, keyOf(index));
        if (index % 4 === 1)
          await put(index, Buffer.from(`overwritten ${index}`), { 'x-amz-meta-by': 'somebody' });
        if (index % 4 === 2) await put(index, bytesOf(index), { 'content-type': 'text/html' });
      });
      const hurt = await all();

      const one = await restore({ Key: keyOf(0) });
      expect({ code: one.code, stderr: one.stderr }).toEqual({ code: 0, stderr: one.stderr });
      expect(await some()).toEqual(someOf({ ...hurt, [keyOf(0)]: original[keyOf(0)] ?? '' }));
      const back = await stand().belay(['rollback', idOf(one), '--yes']);
      expect({ code: back.code, stderr: back.stderr }).toEqual({ code: 0, stderr: back.stderr });
      expect(await some()).toEqual(someOf(hurt));

      const going = stand().start(shipped('restore'), given({}), secrets);
      await going.writes(/▸ Restore/);
      going.process.kill('SIGKILL');
      const id = idOf(stand().heard(await going.said));
      const resumed = await stand().belay(['resume', id]);
      expect({ code: resumed.code, stderr: resumed.stderr }).toEqual({ code: 0, stderr: resumed.stderr });
      expect(await all()).toEqual(original);
      const undone = await stand().belay(['rollback', id, '--yes']);
      expect({ code: undone.code, stderr: undone.stderr }).toEqual({ code: 0, stderr: undone.stderr });
      expect(await all()).toEqual(hurt);

      expectTrouble(await restore({ Key: 'never was' }), 1, 'NOT_IN_MANIFEST', `${bucket}/never was`);
      const copy = stand().minio.s3('backup');
      await copy.put(bucket, keyOf(1), 'damaged');
      expectTrouble(await restore({ Key: keyOf(1) }), 1, 'BACKUP_CHANGED', keyOf(1));
      expect(await some()).toEqual(someOf(hurt));
      // A change of what describes an object reaches the backup, too.
      const again = await backUp();
      expect({ code: again.code, stderr: again.stderr }).toEqual({ code: 0, stderr: again.stderr });
      stand().expectNowhere();
    },
    caseMs,
  );
}
