/**
 * The multipart uploads that a backup has begun at the target, written down there beside its manifest, so that whatever becomes
 * of the runner, the next attempt or the undo aborts what it left. Those of others are never touched: S3 does not say who began
 * one and why, so each record names the uploads of the key that stood before, and the one that was begun as soon as it is known.
 */
import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import type { S3Client } from '../../transports/s3/client.ts';
import {
  abortUpload,
  beginUpload,
  hasParts,
  standingUploads,
  type ObjectPlace,
  type Upload,
} from '../../transports/s3/multipart.ts';
import { ActionFailure } from '../define-action.ts';
import { objectIn } from './admin.ts';
import { isBackupFailure } from './backup-failure.ts';
import { manifestBucket } from './backup-manifest.ts';

interface UploadRecord extends ObjectPlace {
  /** Null: the runner went, or the answer was lost, between the begin and this record. */
  readonly id: string | null;
  /** Ids of the key's uploads before ours was begun. */
  readonly others: readonly string[];
}

/** An unknown upload is ours only if it was begun so shortly after its record; a request is given up sooner. */
const beginMsMax = 60_000;
/** Of listings that give whole seconds. */
const roundingMs = 2_000;
/** Cleaning up goes on after a cancel, for so long. */
const cleaningMsMax = 20_000;
/** A part that was under way when its upload was aborted may bring it back; then it is aborted again. */
const abortsMax = 3;

export class UploadRecords {
  readonly #s3: S3Client;
  readonly #prefix: string;

  constructor(s3: S3Client, token: string) {
    this.#s3 = s3;
    // No bucket's name begins with a dot, so this is none of the manifest's folders.
    this.#prefix = `${token}/.uploads/`;
  }

  /** What an earlier attempt at the object left goes first. Rejects as the target does; then an upload may stand that only `abandon` or `sweep` finds. */
  async begin(place: ObjectPlace, headers: Readonly<{ [name: string]: string }>): Promise<Upload> {
    await this.#sweep(this.#s3, this.#keyOf(place));
    const others = (await standingUploads(this.#s3, place)).map(({ id }) => id);
    await this.#write({ ...place, id: null, others });
    const upload = await beginUpload(this.#s3, place, headers);
    await this.#write({ ...place, id: upload.id, others });
    return upload;
  }

  /** It is completed. */
  ended(place: ObjectPlace): Promise<void> {
    return this.#empty(this.#s3, this.#keyOf(place));
  }

  /** After a failure, a cancel too. What cannot be aborted now stays on record, and the failure is what is told. */
  async abandon(place: ObjectPlace): Promise<void> {
    try {
      await this.#sweep(this.#s3.until(AbortSignal.timeout(cleaningMsMax)), this.#keyOf(place));
    } catch (error) {
      if (!isBackupFailure(error)) throw error;
    }
  }

  /** Aborts what earlier attempts left under this token. */
  sweep(): Promise<void> {
    return this.#sweep(this.#s3, this.#prefix);
  }

  async #sweep(s3: S3Client, prefix: string): Promise<void> {
    for await (const { key, size, modifiedAt } of s3.objects(manifestBucket, prefix)) {
      if (size === 0) continue;
      const left = await uploadsOf(s3, await recordAt(s3, key), Date.parse(modifiedAt));
      for (const upload of left) await abortForGood(s3, upload);
      await this.#empty(s3, key);
    }
  }

  /** Not removed: the key that a backup writes with need not be able to delete. */
  async #empty(s3: S3Client, key: string): Promise<void> {
    await s3.put(manifestBucket, key, Buffer.alloc(0));
  }

  async #write(record: UploadRecord): Promise<void> {
    await this.#s3.put(manifestBucket, this.#keyOf(record), Buffer.from(JSON.stringify(record)));
  }

  #keyOf({ bucket, key }: ObjectPlace): string {
    return `${this.#prefix}${createHash('sha256').update(`${bucket}/${key}`).digest('hex').slice(0, 32)}`;
  }
}

async function recordAt(s3: S3Client, key: string): Promise<UploadRecord> {
  const { body } = await s3.get(manifestBucket, key);
  // Written by this same code under this step's own token.
  return objectIn(JSON.parse(await text(body))) as unknown as UploadRecord;
}

async function uploadsOf(s3: S3Client, record: UploadRecord, writtenAtMs: number): Promise<Upload[]> {
  const standing = await standingUploads(s3, record);
  if (record.id !== null) return standing.filter(({ id }) => id === record.id);
  const ours: Upload[] = [];
  for (const upload of standing) {
    const afterMs = Date.parse(upload.initiatedAt) - writtenAtMs;
    if (record.others.includes(upload.id) || afterMs < -roundingMs || afterMs > beginMsMax) continue;
    // Ours sends its first part only once its id is on record.
    if (!(await hasParts(s3, upload))) ours.push(upload);
  }
  return ours;
}

async function abortForGood(s3: S3Client, upload: Upload): Promise<void> {
  for (let abort = 1; abort <= abortsMax; abort += 1) {
    await abortUpload(s3, upload);
    if (!(await standingUploads(s3, upload)).some(({ id }) => id === upload.id)) return;
  }
  throw new ActionFailure({
    code: 'UPLOAD_STANDS',
    message: `${s3.label} lists the upload ${upload.id} of ${upload.bucket}/${upload.key} although it was aborted ${abortsMax} times`,
    retryable: true,
    effect: 'known',
  });
}
