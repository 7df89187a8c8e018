/** The rollback of a restore with Versions: it takes away the versions that the restore made, and none of anybody else. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { backup } from '../../../src/actions/minio/backup.ts';
import { restore } from '../../../src/actions/minio/restore.ts';
import { MinioActions } from '../../lab/minio/actions.ts';
import type { S3 } from '../../lab/minio/s3.ts';
import type { Stand } from './stand.ts';

const caseMs = 600_000;
const keptBucket = 'belay-kept';

export function versionsUndoCases(stand: () => Stand): void {
  const here = (): S3 => stand().minio.s3();

  async function put(bucket: string, key: string, body: string): Promise<void> {
    const answer = await here().request({
      method: 'PUT',
      path: `/${bucket}/${key}`,
      body: Buffer.from(body),
    });
    expect(answer.status).toBe(200);
  }
  async function remove(bucket: string, key: string, versionId?: string): Promise<void> {
    const query = versionId === undefined ? {} : { query: { versionId } };
    await here().request({ method: 'DELETE', path: `/${bucket}/${key}`, ...query });
  }
  /** Ids and whether they are markers, the newest first, as MinIO lists them. */
  async function versions(bucket: string, key: string): Promise<string[]> {
    const xml = await here().request({ path: `/${bucket}`, query: { versions: '', prefix: key } });
    const entries = xml.body.toString('utf8').matchAll(/<(Version|DeleteMarker)>(.*?)<\/\1>/gs);
    return [...entries].map(
      ([, name, body = '']) => `${String(name)} ${/<VersionId>([^<]+)</.exec(body)?.[1] ?? ''}`,
    );
  }
  const idIn = (version: string): string => version.split(' ')[1] ?? '';
  async function drop(bucket: string, keys: readonly string[]): Promise<void> {
    for (const key of keys)
      for (const version of await versions(bucket, key)) await remove(bucket, key, idIn(version));
  }

  for (const written of [
    'its ids written down',
    'a runner that died before it wrote its ids down',
  ] as const) {
    test(
      `versions: the rollback of a restore, ${written}, leaves what somebody has written and deleted since, also where it is alike`,
      async () => {
        const bucket = `alike-${randomBytes(4).toString('hex')}`;
        const [rewritten, deleted] = ['rewritten', 'deleted'] as const;
        const actions = new MinioActions(stand().minio);
        try {
          await here().createBucket(bucket);
          const body = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
          const query = { versioning: '' };
          await here().request({ method: 'PUT', path: `/${bucket}`, query, body: Buffer.from(body) });
          await put(bucket, rewritten, 'one');
          await put(bucket, rewritten, 'two');
          await put(bucket, deleted, 'one');
          await remove(bucket, deleted);
          await put(bucket, deleted, 'two');
          const shared = { Target: actions.target, Buckets: [bucket], Versions: true };
          expect(await actions.ending(backup, shared)).toMatchObject({ kind: 'done' });
          await drop(bucket, [rewritten, deleted]);
          await put(bucket, rewritten, 'stood before');
          const before = await versions(bucket, rewritten);

          const restored = await actions.run(restore, {
            Target: actions.target,
            Bucket: bucket,
            Versions: true,
          });
          expect(restored.ending).toMatchObject({ kind: 'done', outputs: { VersionsRestored: 5 } });
          if (written !== 'its ids written down') {
            const there = stand().minio.s3('backup');
            const made = (await there.list(keptBucket)).filter(({ key }) => key.includes('/made/'));
            expect(made.length).toBeGreaterThanOrEqual(2);
            for (const { key } of made) await there.delete(keptBucket, key);
          }
          // By somebody, and by their content the same as what was restored.
          await put(bucket, rewritten, 'one');
          await remove(bucket, deleted);
          const [theirs = ''] = await versions(bucket, rewritten);
          const [theirMarker = ''] = await versions(bucket, deleted);

          expect(await actions.undo(restore, restored)).toMatchObject({ kind: 'done' });
          expect(await versions(bucket, rewritten)).toEqual([theirs, ...before]);
          expect(await versions(bucket, deleted)).toEqual([theirMarker]);
          expect(theirMarker).toMatch(/^DeleteMarker /);
        } finally {
          await actions.close();
          await drop(bucket, [rewritten, deleted]);
          await here().request({ method: 'DELETE', path: `/${bucket}` });
        }
      },
      caseMs,
    );
  }
}
