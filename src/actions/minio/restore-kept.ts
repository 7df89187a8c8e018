/**
 * What a restore takes from the cluster, kept at the backup's server until its undo: the object that stood under each key, or
 * that there was none. Written down before anything is overwritten, so that a runner that dies loses nothing.
 */
import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import type { S3Client } from '../../transports/s3/client.ts';
import { objectIn, textIn } from './admin.ts';
import { carriedOf, headersOf, type Carried } from './backup-carried.ts';
import { again, unlessMissing } from './backup-failure.ts';
import { hashing } from './backup-stream.ts';

export const keptBucket = 'belay-kept';

export interface KeptRecord {
  /** In the cluster. */
  readonly bucket: string;
  /** Empty: of the bucket itself. */
  readonly key: string;
  /** Of what the restore puts there: the undo takes away nothing else. Empty: it deletes what is there. */
  readonly sha256: string;
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

  /** Once for each key, whatever runs again: what was there first is what is kept. */
  async keep(
    here: S3Client,
    what: Pick<KeptRecord, 'bucket' | 'key' | 'sha256' | 'madeBucket'>,
  ): Promise<void> {
    const record = this.#recordKey(what);
    if ((await this.#there.head(keptBucket, record)) !== undefined) return;
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
  }

  /** That the restore makes this bucket: its undo removes it, once it is empty. */
  async keepBucket(bucket: string): Promise<void> {
    const record: KeptRecord = {
      bucket,
      key: '',
      sha256: '',
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
    for await (const { key } of this.#there.objects(keptBucket, `${this.#token}/records/`)) {
      const { body } = await this.#there.get(keptBucket, key);
      const record = objectIn(JSON.parse(await text(body)));
      const carried = objectIn(record['carried']);
      const headers = Object.entries(objectIn(carried['headers'])).filter(
        (header): header is [string, string] => typeof header[1] === 'string',
      );
      yield {
        bucket: textIn(record, 'bucket'),
        key: textIn(record, 'key'),
        sha256: textIn(record, 'sha256'),
        was: textIn(record, 'was') === 'kept' ? 'kept' : 'absent',
        keptSha256: textIn(record, 'keptSha256'),
        carried: { headers: Object.fromEntries(headers), tags: textIn(carried, 'tags') },
        madeBucket: record['madeBucket'] === true,
      };
    }
  }

  async putBack(here: S3Client, record: KeptRecord): Promise<void> {
    await again([this.#there, here], async () => {
      const { headers, body } = await this.#there.get(keptBucket, this.#bytesKey(record));
      const bytes = Number(headers['content-length']);
      await here.put(record.bucket, record.key, { stream: body, bytes }, headersOf(record.carried));
    });
  }

  /** After all of it is back. The bucket stays where other restores have kept something in it. */
  async remove(): Promise<void> {
    if (!(await this.#there.hasBucket(keptBucket))) return;
    for await (const { key } of this.#there.objects(keptBucket, `${this.#token}/`))
      await this.#there.remove(keptBucket, key);
    if ((await this.#there.page(keptBucket)).objects.length === 0) await this.#there.removeBucket(keptBucket);
  }

  #recordKey = (what: Pick<KeptRecord, 'bucket' | 'key'>): string => `${this.#token}/records/${nameOf(what)}`;
  #bytesKey = (what: Pick<KeptRecord, 'bucket' | 'key'>): string => `${this.#token}/objects/${nameOf(what)}`;
}

/** A key may be as long as keys can be: its own name would not fit behind another. */
const nameOf = ({ bucket, key }: Pick<KeptRecord, 'bucket' | 'key'>): string =>
  createHash('sha256').update(`${bucket}/${key}`).digest('hex');
