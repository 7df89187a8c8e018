/** The runbooks that stop no node, while clients write, overwrite, read, list and delete through nginx: no request of theirs fails. */
import { expect, test } from 'vitest';
import { isThorough } from '../sample.ts';
import { expectTrouble } from '../trouble/expect-trouble.ts';
import { shipped, type Parameters, type Stand } from './stand.ts';

const caseMs = 600_000;
const kept = 'under-load';
const objectCount = 40;

export function underLoadCases(stand: () => Stand): void {
  test.runIf(isThorough)(
    'load: backup with versions, drill, restore and retention end as without it, and no request of the clients fails',
    async () => {
      const { minio } = stand();
      const s3 = minio.s3();
      await s3.createBucket(kept);
      for (let index = 0; index < objectCount; index += 1) await s3.put(kept, `${index}`, `kept ${index}`);
      const target: Parameters = {
        ...stand().cluster,
        TargetUrl: minio.backupUrl,
        TargetKey: minio.backup.accessKey,
        WaitSeconds: 20,
      };
      const writer = { ...target, WriterKey: minio.root.accessKey, Bucket: kept };
      const [TargetSecret, own] = ['env:BACKUP_SECRET', 'env:MINIO_SECRET'];

      const watch = await stand().watch();
      for (const Versions of [false, true]) {
        const given = { ...target, ReaderKey: minio.root.accessKey, Versions };
        const saved = await stand().run(shipped('backup'), given, { ReaderSecret: own, TargetSecret });
        expect({ code: saved.code, stderr: saved.stderr }).toEqual({ code: 0, stderr: saved.stderr });
      }
      const drill = await stand().run(
        shipped('restore'),
        { ...writer, Verify: 'sample' },
        { WriterSecret: own, TargetSecret },
      );
      expect({ code: drill.code, stderr: drill.stderr }).toEqual({ code: 0, stderr: drill.stderr });
      for (let index = 0; index < objectCount; index += 1) await s3.delete(kept, `${index}`);
      const back = await stand().run(shipped('restore'), writer, { WriterSecret: own, TargetSecret });
      expect({ code: back.code, stderr: back.stderr }).toEqual({ code: 0, stderr: back.stderr });
      for (let index = 0; index < objectCount; index += 1)
        expect(String(await s3.get(kept, `${index}`))).toBe(`kept ${index}`);
      const judged = await stand().run(
        shipped('check-retention'),
        { ...stand().cluster, AccessKey: minio.root.accessKey },
        { SecretKey: own },
      );
      expectTrouble(judged, 8, 'NON_COMPLIANT', kept);
      await watch.endsWell([]);
    },
    caseMs,
  );
}
