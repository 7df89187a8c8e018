/** runbooks/minio/restore.yaml: what a backup brought away comes back byte for byte, header for header and tag for tag. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { backup } from '../../../src/actions/minio/backup.ts';
import { restore as restoreAction } from '../../../src/actions/minio/restore.ts';
import type { Poll } from '../../../src/actions/define-action.ts';
import type { JsonObject } from '../../../src/json.ts';
import { effectOf, newToken } from '../../support/action-bed.ts';
import { contextOf } from '../../support/action-context.ts';
import { MinioActions } from '../../lab/minio/actions.ts';
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

  async function seen(key: string, of = bucket): Promise<string> {
    const path = `/${of}/${key}`;
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

  test(
    'restore: what somebody has written since it was restored stays, and so does what was kept of it; the rollback names it, and puts the rest back',
    async () => {
      const of = 'rewritten';
      const write = async (key: string, body: string, owner: string): Promise<void> => {
        const headers = { 'content-type': 'text/plain', 'x-amz-meta-owner': owner };
        const path = `/${of}/${key}`;
        const answer = await here().request({ method: 'PUT', path, body: Buffer.from(body), headers });
        expect(answer.status).toBe(200);
      };
      const keys = ['bytes', 'headers', 'gone', 'quiet'] as const;
      const look = async (): Promise<Record<string, string>> =>
        Object.fromEntries(await Promise.all(keys.map(async (key) => [key, await seen(key, of)] as const)));
      const keptObjects = async (): Promise<number> =>
        (
          await stand()
            .minio.s3('backup')
            .list('belay-kept')
            .catch(() => [])
        ).length;

      await here().createBucket(of);
      for (const key of keys) await write(key, `backed up ${key}`, 'backup');
      const backedUp = await backUp();
      expect({ code: backedUp.code, stderr: backedUp.stderr }).toEqual({ code: 0, stderr: backedUp.stderr });
      for (const key of keys) await write(key, `before ${key}`, 'before');
      await here().delete(of, 'gone');
      const before = await look();
      const keptBefore = await keptObjects();

      const restored = await restore({ Bucket: of });
      expect({ code: restored.code, stderr: restored.stderr }).toEqual({ code: 0, stderr: restored.stderr });
      await write('bytes', 'written by somebody', 'somebody');
      await write('headers', 'backed up headers', 'somebody');
      await write('gone', 'written by somebody', 'somebody');
      const theirs = await look();

      const id = idOf(restored);
      const back = await stand().belay(['rollback', id, '--yes']);
      expectTrouble(back, 4, 'CHANGED_MEANWHILE', '3 objects were left as they are', 'belay-kept/');
      for (const key of ['bytes', 'headers', 'gone']) expect(back.stderr).toContain(`${of}/${key}`);
      expect(back.stderr).not.toContain(`${of}/quiet`);
      expect(await look()).toEqual({ ...theirs, quiet: before['quiet'] });
      // Three records, and what two of them kept.
      expect((await keptObjects()) - keptBefore).toBe(5);

      for (const key of ['bytes', 'headers', 'gone']) await here().delete(of, key);
      const again = await stand().belay(['rollback', id, '--yes']);
      expect({ code: again.code, stderr: again.stderr }).toEqual({ code: 0, stderr: again.stderr });
      expect(await look()).toEqual(before);
      expect(await keptObjects()).toBe(keptBefore);
    },
    caseMs,
  );

  test(
    'restore: what somebody writes between two attempts is not written over, because nobody has kept it; it is named',
    async () => {
      const of = 'attempts';
      const actions = new MinioActions(stand().minio);
      try {
        await here().createBucket(of);
        for (const key of ['1', '2']) await here().put(of, key, `backed up ${key}`);
        const saved = await actions.ending(backup, { Target: actions.target, Buckets: [of] });
        expect(saved).toMatchObject({ kind: 'done' });
        for (const key of ['1', '2']) await here().put(of, key, `before ${key}`);

        const world = { ...actions.world, executionId: newToken() };
        const attempt = async (own: JsonObject): Promise<Poll<JsonObject>> => {
          const inputs = actions.inputs(restoreAction, { Target: actions.target, Bucket: of, ...own });
          const effect = effectOf(restoreAction, inputs);
          if (effect.kind !== 'repeatable') throw new Error(`restore is ${effect.kind}`);
          await using context = await contextOf(world);
          for (;;) {
            const answer = await effect.execute(inputs, null, context);
            if (answer.kind !== 'pending') return answer;
            await sleep(100);
          }
        };
        // It came as far as the first object.
        expect(await attempt({ Key: '1' })).toMatchObject({ kind: 'done', outputs: { Restored: 1 } });
        await here().put(of, '1', 'written by somebody');
        expect(await attempt({})).toMatchObject({
          kind: 'failed',
          code: 'CHANGED_MEANWHILE',
          message: expect.stringMatching(/attempts\/1[^0-9]/),
        });
        expect(String(await here().get(of, '1'))).toBe('written by somebody');
        expect(String(await here().get(of, '2'))).toBe('backed up 2');
      } finally {
        await actions.close();
      }
    },
    caseMs,
  );
}
