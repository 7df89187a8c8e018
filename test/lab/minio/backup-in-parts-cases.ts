/** minio:backup of objects that go in parts, between real servers, with the lab's own S3 client looking on. */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { backupCutting } from '../../../src/actions/minio/backup.ts';
import { copyObject } from '../../../src/actions/minio/backup-copy.ts';
import { openTarget, type OpenedTarget } from '../../../src/actions/minio/backup-target.ts';
import { UploadRecords } from '../../../src/actions/minio/backup-uploads.ts';
import { openCluster, type Cluster } from '../../../src/actions/minio/cluster.ts';
import { manifestBucket } from '../../../src/actions/minio/backup-manifest.ts';
import type { S3Client } from '../../../src/transports/s3/client.ts';
import { beginUpload, sendPart } from '../../../src/transports/s3/multipart.ts';
import { carryOut, newToken } from '../../support/action-bed.ts';
import { contextOf } from '../../support/action-context.ts';
import type { MinioActions } from './actions.ts';
import type { MinioLab } from './cluster.ts';
import { smallCut } from './small-cut.ts';

const minute = { timeout: 120_000 };
const mebibyte = 1024 ** 2;
const runner = fileURLToPath(new URL('backup-killed-in-parts.ts', import.meta.url));
const key = "folder/large ü+&1'(x).bin";

export function backupInPartsCases(minio: () => MinioLab, minioActions: () => MinioActions): void {
  describe('backup in parts', () => {
    const backup = backupCutting(smallCut);
    const inputsFor = (bucket: string) =>
      minioActions().inputs(backup, { Target: minioActions().target, Buckets: [bucket] });
    const there = () => minio().s3('backup');

    /** Keys and ids of every upload that stands in a bucket of the target. */
    async function standing(bucket: string): Promise<string[]> {
      const { body } = await there().request({ path: `/${bucket}`, query: { uploads: '' } });
      return [...body.toString('utf8').matchAll(/<UploadId>([^<]+)</g)].map(([, id]) => id ?? '').toSorted();
    }
    async function begunBySomebodyElse(bucket: string): Promise<string> {
      const answer = await there().request({
        method: 'POST',
        path: `/${bucket}/${key}`,
        query: { uploads: '' },
      });
      return /<UploadId>([^<]+)</.exec(answer.body.toString('utf8'))?.[1] ?? '';
    }

    /** The source, to which something happens after so many slices were asked for. */
    function afterSlices(count: number, happen: () => Promise<unknown>): S3Client {
      let asked = 0;
      return but(from, 'get', async (...slice) => {
        if ((asked += 1) === count + 1) await happen();
        return from.get(...slice);
      });
    }
    /** Copies the object, which was listed as large. */
    function copied(bucket: string, source: S3Client, { token = newToken(), to = target.s3 } = {}) {
      return copyObject(11 * mebibyte, undefined, {
        from: { s3: source, bucket, key },
        to: { s3: to, bucket, key },
        token,
        cut: smallCut,
        uploads: new UploadRecords(to, token),
      });
    }

    let cluster: Cluster;
    let target: OpenedTarget;
    let from: S3Client;
    beforeAll(async () => {
      await using context = await contextOf(minioActions().world, 'cases-in-parts');
      const inputs = inputsFor('any') as unknown as Parameters<typeof openCluster>[0] &
        Parameters<Cluster['s3']>[1] & { readonly Target: Parameters<typeof openTarget>[0] };
      cluster = await openCluster(inputs, context);
      target = await openTarget(inputs.Target, 'bk1', context);
      const [node] = cluster.nodes;
      if (node === undefined) throw new Error('the lab has nodes');
      from = cluster.s3(node, inputs);
      // A case before may just have started it.
      await vi.waitFor(() => target.s3.makeBucket(manifestBucket), { timeout: 10_000 });
    });
    afterAll(() => {
      cluster?.[Symbol.dispose]();
      target?.[Symbol.dispose]();
    });

    it(
      'copies an object with what it says of itself, and leaves no upload but those of others',
      minute,
      async () => {
        const bytes = randomBytes(12 * mebibyte);
        const exact = randomBytes(10 * mebibyte);
        await minio().s3().createBucket('parts');
        await there().createBucket('parts');
        await minio()
          .s3()
          .request({
            method: 'PUT',
            path: `/parts/${key}`,
            body: bytes,
            headers: { 'content-type': 'text/x-large', 'x-amz-meta-owner': 'somebody' },
          });
        await minio().s3().put('parts', 'exact', exact);
        const theirs = await begunBySomebodyElse('parts');

        const { ending } = await minioActions().run(backup, {
          Target: minioActions().target,
          Buckets: ['parts'],
        });
        expect(ending).toMatchObject({ kind: 'done', outputs: { Objects: 2, Copied: 2 } });
        expect((await there().get('parts', key)).equals(bytes)).toBe(true);
        expect((await there().get('parts', 'exact')).equals(exact)).toBe(true);
        expect(await target.s3.head('parts', key)).toMatchObject({
          etag: expect.stringMatching(/-3"$/),
          'content-type': 'text/x-large',
          'x-amz-meta-owner': 'somebody',
        });
        expect(await standing('parts')).toEqual([theirs]);

        const again = await minioActions().ending(backup, {
          Target: minioActions().target,
          Buckets: ['parts'],
        });
        expect(again).toMatchObject({ outputs: { Objects: 2, Copied: 0, Updated: 0 } });
      },
    );

    it.each([
      ['resumed, the object is there', 'resume'],
      ['rolled back, nothing of it is', 'undo'],
    ])(
      'killed in the middle of an object and %s, and no upload but that of somebody else stands',
      minute,
      async (_, way) => {
        const bucket = `killed-${way}`;
        const bytes = randomBytes(11 * mebibyte);
        await minio().s3().createBucket(bucket);
        await minio().s3().put(bucket, key, bytes);
        const token = newToken();
        const words = [runner, String(minio().lab.id), token, bucket, '2'];
        await expect(promisify(execFile)(process.execPath, words)).rejects.toMatchObject({
          signal: 'SIGKILL',
        });
        expect(await standing(bucket)).toHaveLength(1);
        const theirs = await begunBySomebodyElse(bucket);

        const inputs = inputsFor(bucket);
        if (way === 'resume') {
          const { ending } = await carryOut(backup, inputs, null, minioActions().world, {
            token,
          });
          expect(ending).toMatchObject({ kind: 'done', outputs: { Objects: 1, Copied: 1 } });
          expect((await there().get(bucket, key)).equals(bytes)).toBe(true);
        } else {
          const ending = { kind: 'failed', code: 'LOST', message: '' } as const;
          await minioActions().undo(backup, {
            inputs,
            before: null,
            handle: null,
            token,
            ending,
            logged: '',
          });
          expect(await there().list(bucket)).toEqual([]);
        }
        expect(await standing(bucket)).toEqual([theirs]);
      },
    );

    it('an object that is changed while it is copied is copied as it is then', minute, async () => {
      const s3 = minio().s3();
      await s3.createBucket('changing');
      await there().createBucket('changing');
      const first = randomBytes(12 * mebibyte);
      const large = randomBytes(11 * mebibyte);
      for (const later of [large, randomBytes(10), Buffer.alloc(0)]) {
        await s3.put('changing', key, first);
        const changing = afterSlices(1, () => s3.put('changing', key, later));
        expect(await copied('changing', changing)).toMatchObject({
          did: 'copied',
          size: later.length,
          sha256: createHash('sha256').update(later).digest('hex'),
        });
      }
      await s3.put('changing', key, first);
      const going = afterSlices(1, () => s3.delete('changing', key));
      expect(await copied('changing', going)).toMatchObject({ did: 'gone' });
      expect(await standing('changing')).toEqual([]);
    });

    it('a target that stops in the middle keeps an upload only until it is asked again', minute, async () => {
      const token = newToken();
      await minio().s3().createBucket('stopping');
      await there().createBucket('stopping');
      await minio()
        .s3()
        .put('stopping', key, randomBytes(11 * mebibyte));
      const stopping = afterSlices(1, () => minio().run('bk1', 'systemctl stop versitygw'));
      try {
        await expect(copied('stopping', stopping, { token })).rejects.toMatchObject({ code: 'REFUSED' });
      } finally {
        await minio().run('bk1', 'systemctl start versitygw');
      }
      await expect.poll(() => standing('stopping').catch(() => []), { timeout: 10_000 }).toHaveLength(1);
      await new UploadRecords(target.s3, token).sweep();
      expect(await standing('stopping')).toEqual([]);
    });

    it('a cancel aborts the upload that is under way all the same', minute, async () => {
      const cancel = new AbortController();
      await minio().s3().createBucket('cancelled');
      await there().createBucket('cancelled');
      await minio()
        .s3()
        .put('cancelled', key, randomBytes(11 * mebibyte));
      let begun: string[] = [];
      const cancelling = afterSlices(1, async () => {
        begun = await standing('cancelled');
        cancel.abort();
      });
      const to = target.s3.until(cancel.signal);
      await expect(copied('cancelled', cancelling, { to })).rejects.toMatchObject({ code: 'CANCELLED' });
      expect([begun.length, await standing('cancelled')]).toEqual([1, []]);
    });

    it(
      'an upload whose begin was never heard of is aborted; those of others, older and younger, are not',
      minute,
      async () => {
        const place = { bucket: 'unheard', key };
        await there().createBucket('unheard');
        const older = await begunBySomebodyElse('unheard');
        const token = newToken();
        // As if the runner had gone after the server began it and before its id was written down.
        let written = 0;
        const going = but(target.s3, 'put', async (...record) => {
          if ((written += 1) > 1) throw new Error('gone');
          return target.s3.put(...record);
        });
        await expect(new UploadRecords(going, token).begin(place, {})).rejects.toThrow('gone');
        const younger = await beginUpload(target.s3, place, {});
        await sendPart(target.s3, younger, 1, { stream: Readable.from([Buffer.from('theirs')]), bytes: 6 });
        expect(await standing('unheard')).toHaveLength(3);
        await new UploadRecords(target.s3, token).sweep();
        expect(await standing('unheard')).toEqual([older, younger.id].toSorted());
      },
    );
  });
}

/** The same client with another verb in the place of one. */
function but<Name extends keyof S3Client>(s3: S3Client, name: Name, verb: S3Client[Name]): S3Client {
  return new Proxy(s3, {
    get: (client, asked) => {
      const value: unknown = Reflect.get(client, asked);
      if (asked === name) return verb;
      return typeof value === 'function' ? value.bind(client) : value;
    },
  });
}
