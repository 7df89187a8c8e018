/**
 * What a restore takes from the cluster, kept at the backup's server until its undo: the object that stood under each key, or
 * that there was none. Written down before anything is overwritten, so that a runner that dies loses nothing.
 */
import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { isJsonObject, type Json } from '../../json.ts';
import type { S3Client } from '../../transports/s3/client.ts';
import { objectIn, textIn } from './admin.ts';
import { carriedOf, headersOf, type Carried } from './backup-carried.ts';
import { again, unlessMissing } from './backup-failure.ts';
import { digestOf, hashing } from './backup-stream.ts';

export const keptBucket = 'belay-kept';

export interface KeptRecord {
  /** In the cluster. */
  readonly bucket: string;
  /** Empty: of the bucket itself. */
  readonly key: string;
  /** Of what the restore puts there: the undo takes away nothing else. Empty: it deletes what is there. */
  readonly sha256: string;
  /** What the restore puts there with the bytes; null: nothing, or not known to an earlier version of Belay. */
  readonly wrote: Carried | null;
  readonly was: 'absent' | 'kept';
  /** Of what is kept; empty: nothing, or of an earlier version of Belay. */
  readonly keptSha256: string;
  readonly carried: Carried;
  readonly madeBucket: boolean;
}

export class Kept {
  readonly #there: S3Client;
  readonly #token: string;

  constructor(there: S3Client, token: string) {
    this.#there = there;
    this.#token = token;
  }

  /** For people: `belay-kept/TOKEN/`. */
  get place(): string {
    return `${keptBucket}/${this.#token}/`;
  }

  /**
   * Once for each key, whatever runs again: what was there first is what is kept. False: somebody has written the object
   * since, and what they wrote is kept nowhere.
   */
  async keep(
    here: S3Client,
    what: Pick<KeptRecord, 'bucket' | 'key' | 'sha256' | 'wrote' | 'madeBucket'>,
  ): Promise<boolean> {
    const record = this.#recordKey(what);
    const earlier = await unlessMissing(this.#read(record));
    if (earlier !== undefined) return isOfThisRestore(here, earlier);
    const object = await unlessMissing(here.get(what.bucket, what.key));
    let [carried, keptSha256]: [Carried, string] = [{ headers: {}, tags: '' }, ''];
    if (object !== undefined) {
      carried = await carriedOf({ s3: here, bucket: what.bucket, key: what.key }, object.headers);
      const bytes = Number(object.headers['content-length']);
      const hash = createHash('sha256');
      await this.#there.put(keptBucket, this.#bytesKey(what), { stream: hashing(object.body, hash), bytes });
      keptSha256 = hash.digest('hex');
    }
    const whole: KeptRecord = { ...what, was: object === undefined ? 'absent' : 'kept', keptSha256, carried };
    await this.#there.put(keptBucket, record, Buffer.from(JSON.stringify(whole)));
    return true;
  }

  /** That the restore makes this bucket: its undo removes it, once it is empty. */
  async keepBucket(bucket: string): Promise<void> {
    const record: KeptRecord = {
      bucket,
      key: '',
      sha256: '',
      wrote: null,
      was: 'absent',
      keptSha256: '',
      carried: { headers: {}, tags: '' },
      madeBucket: true,
    };
    await this.#there.put(keptBucket, this.#recordKey(record), Buffer.from(JSON.stringify(record)));
  }

  async hasMade(bucket: string): Promise<boolean> {
    return (await this.#there.head(keptBucket, this.#recordKey({ bucket, key: '' }))) !== undefined;
  }

  make(): Promise<void> {
    return this.#there.makeBucket(keptBucket);
  }

  async *records(): AsyncGenerator<KeptRecord> {
    if (!(await this.#there.hasBucket(keptBucket))) return;
    for await (const { key } of this.#there.objects(keptBucket, `${this.#token}/records/`))
      yield await this.#read(key);
  }

  async #read(key: string): Promise<KeptRecord> {
    const { body } = await this.#there.get(keptBucket, key);
    const record = objectIn(JSON.parse(await text(body)));
    return {
      bucket: textIn(record, 'bucket'),
      key: textIn(record, 'key'),
      sha256: textIn(record, 'sha256'),
      wrote: isJsonObject(record['wrote']) ? carriedIn(record['wrote']) : null,
      was: textIn(record, 'was') === 'kept' ? 'kept' : 'absent',
      keptSha256: textIn(record, 'keptSha256'),
      carried: carriedIn(record['carried']),
      madeBucket: record['madeBucket'] === true,
    };
  }

  async putBack(here: S3Client, record: KeptRecord): Promise<void> {
    await again([this.#there, here], async () => {
      const { headers, body } = await this.#there.get(keptBucket, this.#bytesKey(record));
      const bytes = Number(headers['content-length']);
      await here.put(record.bucket, record.key, { stream: body, bytes }, headersOf(record.carried));
    });
  }

  /** Where what stood under the key is kept, for people: `belay-kept/TOKEN/objects/SHA256`. */
  placeOf(what: Pick<KeptRecord, 'bucket' | 'key'>): string {
    return `${keptBucket}/${this.#bytesKey(what)}`;
  }

  /** After all of it is back, but for these. The bucket stays where something is kept in it. */
  async remove(still: readonly Pick<KeptRecord, 'bucket' | 'key'>[]): Promise<void> {
    if (!(await this.#there.hasBucket(keptBucket))) return;
    const stays = new Set(still.flatMap((what) => [this.#recordKey(what), this.#bytesKey(what)]));
    for await (const { key } of this.#there.objects(keptBucket, `${this.#token}/`))
      if (!stays.has(key)) await this.#there.remove(keptBucket, key);
    if ((await this.#there.page(keptBucket)).objects.length === 0) await this.#there.removeBucket(keptBucket);
  }

  #recordKey = (what: Pick<KeptRecord, 'bucket' | 'key'>): string => `${this.#token}/records/${nameOf(what)}`;
  #bytesKey = (what: Pick<KeptRecord, 'bucket' | 'key'>): string => `${this.#token}/objects/${nameOf(what)}`;
}

/** Whether nothing stands under the key now but what was kept, or the bytes that the restore writes. */
async function isOfThisRestore(here: S3Client, record: KeptRecord): Promise<boolean> {
  const { bucket, key, sha256, was, keptSha256 } = record;
  // As an earlier version of Belay has kept it: nobody can tell.
  if (was === 'kept' && keptSha256 === '') return true;
  const now = await digestOf({ s3: here, bucket, key });
  return now === undefined || now.sha256 === sha256 || now.sha256 === keptSha256;
}

function carriedIn(record: Json | undefined): Carried {
  const carried = objectIn(record);
  const headers = Object.entries(objectIn(carried['headers'])).filter(
    (header): header is [string, string] => typeof header[1] === 'string',
  );
  return { headers: Object.fromEntries(headers), tags: textIn(carried, 'tags') };
}

/** A key may be as long as keys can be: its own name would not fit behind another. */
const nameOf = ({ bucket, key }: Pick<KeptRecord, 'bucket' | 'key'>): string =>
  createHash('sha256').update(`${bucket}/${key}`).digest('hex');
