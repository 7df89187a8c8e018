/**
 * What a backup did, kept at the target: for each page of a bucket one part, written when every object of the page has
 * been read back and compared. So it is the proof of the run, the place where a resumed run goes on, and the list by
 * which the undo removes what was written. Before a page is copied, its intent names the keys that it will create.
 */
import type { S3Client } from '../../transports/s3/client.ts';
import type { ObjectLock } from '../../transports/s3/object-lock.ts';
import type { Versioning } from '../../transports/s3/versions.ts';
import { numberIn, objectIn, textIn } from './admin.ts';
import { lockWritten } from './written-lock.ts';

export const manifestBucket = 'belay-manifests';

export interface Entry {
  readonly key: string;
  readonly size: number;
  readonly sha256: string;
  /** Of the source, where it has some: what the target may not keep. */
  readonly headers?: Readonly<Record<string, string>>;
  /** As a query: `a=b&c=d`. */
  readonly tags?: string;
  /** Until when, or whether at all, the source keeps it from being removed. */
  readonly lock?: ObjectLock;
  /** `gone`: it was listed, and deleted before it could be read. */
  readonly did: 'copied' | 'updated' | 'same' | 'gone';
  /** It was there with the same size and other content. */
  readonly wasDamaged?: true;
}

export interface Totals {
  readonly objects: number;
  readonly bytes: number;
  readonly copied: number;
  readonly updated: number;
  readonly damaged: number;
  readonly gone: number;
}

/** The first line of a part; the entries follow, one a line. */
export interface PartHead {
  readonly bucket: string;
  readonly part: number;
  readonly lastKey: string;
  readonly isLast: boolean;
  readonly totals: Totals;
  /** Where the source keeps versions, or did: this part has only the latest of each object. */
  readonly versioning?: string;
}

export interface Intent {
  /** At the target. */
  readonly bucket: string;
  readonly madeBucket: boolean;
  readonly keys: readonly string[];
}

export const noTotals: Totals = { objects: 0, bytes: 0, copied: 0, updated: 0, damaged: 0, gone: 0 };

export function addTotals(one: Totals, other: Totals): Totals {
  return {
    objects: one.objects + other.objects,
    bytes: one.bytes + other.bytes,
    copied: one.copied + other.copied,
    updated: one.updated + other.updated,
    damaged: one.damaged + other.damaged,
    gone: one.gone + other.gone,
  };
}

export function totalsOf(entries: readonly Entry[]): Totals {
  const kept = entries.filter(({ did }) => did !== 'gone');
  return {
    objects: kept.length,
    bytes: kept.reduce((sum, { size }) => sum + size, 0),
    copied: kept.filter(({ did }) => did === 'copied').length,
    updated: kept.filter(({ did }) => did === 'updated').length,
    damaged: kept.filter(({ wasDamaged }) => wasDamaged === true).length,
    gone: entries.length - kept.length,
  };
}

export class Manifest {
  readonly #s3: S3Client;
  readonly #prefix: string;

  /** `token`: the step's, the same for every attempt and for the undo. */
  constructor(s3: S3Client, token: string) {
    this.#s3 = s3;
    this.#prefix = `${token}/`;
  }

  /** For people and for later runs: `belay-manifests/TOKEN/`. */
  get place(): string {
    return `${manifestBucket}/${this.#prefix}`;
  }

  make(): Promise<void> {
    return this.#s3.makeBucket(manifestBucket);
  }

  /** The heads of the parts that stand, in the order in which they were written for each bucket. */
  async heads(): Promise<PartHead[]> {
    const heads: PartHead[] = [];
    for await (const { key } of this.#s3.objects(manifestBucket, this.#prefix)) {
      if (!key.endsWith('.jsonl')) continue;
      const line = (await this.#read(key)).split('\n', 1)[0] ?? '';
      // Written by this same code under this step's own token.
      heads.push(objectIn(JSON.parse(line)) as unknown as PartHead);
    }
    return heads;
  }

  /** The step's. */
  get token(): string {
    return this.#prefix.slice(0, -1);
  }

  /** Whether this backup has written anything. */
  async stands(): Promise<boolean> {
    if (!(await this.#s3.hasBucket(manifestBucket))) return false;
    return (await this.#s3.page(manifestBucket, { prefix: this.#prefix })).objects.length > 0;
  }

  /** Of one bucket, or of all; page by page, in the order of the keys. */
  async *entries(
    bucket?: string,
  ): AsyncGenerator<Entry & { readonly bucket: string; readonly versioning: Versioning }> {
    const prefix = bucket === undefined ? this.#prefix : `${this.#prefix}${bucket}/`;
    for await (const { key } of this.#s3.objects(manifestBucket, prefix)) {
      if (!key.endsWith('.jsonl')) continue;
      const [head = '', ...lines] = (await this.#read(key)).split('\n').filter((line) => line !== '');
      const { bucket: of, versioning } = headIn(JSON.parse(head));
      for (const line of lines) yield { ...entryIn(JSON.parse(line)), bucket: of, versioning };
    }
  }

  /** Of those that were proven. */
  async *keysOf(bucket: string): AsyncGenerator<string> {
    for await (const { key, did } of this.entries(bucket)) if (did !== 'gone') yield key;
  }

  async writePart(head: PartHead, entries: readonly Entry[]): Promise<void> {
    const lines = [head, ...entries].map((line) => `${JSON.stringify(line)}\n`);
    await this.#s3.put(manifestBucket, `${this.#name(head)}.jsonl`, Buffer.from(lines.join('')));
  }

  async writeIntent(
    page: Pick<PartHead, 'bucket' | 'part'> & { readonly of?: 'versions' },
    intent: Intent,
  ): Promise<void> {
    // An interrupted page has created some of its keys already: what an earlier intent named stays named.
    const key = `${this.#name(page)}${page.of === undefined ? '' : `-${page.of}`}.intent`;
    const earlier =
      (await this.#s3.head(manifestBucket, key)) === undefined ? undefined : await this.#intent(key);
    const keys = [...new Set([...(earlier?.keys ?? []), ...intent.keys])];
    const whole = { ...intent, madeBucket: intent.madeBucket || earlier?.madeBucket === true, keys };
    await this.#s3.put(manifestBucket, key, Buffer.from(JSON.stringify(whole)));
  }

  async *intents(): AsyncGenerator<Intent> {
    if (!(await this.#s3.hasBucket(manifestBucket))) return;
    for await (const { key } of this.#s3.objects(manifestBucket, this.#prefix)) {
      if (key.endsWith('.intent')) yield await this.#intent(key);
    }
  }

  /** After what it names is gone. The bucket stays where other runs have manifests in it. */
  async remove(): Promise<void> {
    if (!(await this.#s3.hasBucket(manifestBucket))) return;
    for await (const { key } of this.#s3.objects(manifestBucket, this.#prefix))
      await this.#s3.remove(manifestBucket, key);
    if ((await this.#s3.page(manifestBucket)).objects.length === 0)
      await this.#s3.removeBucket(manifestBucket);
  }

  async #intent(key: string): Promise<Intent> {
    return objectIn(JSON.parse(await this.#read(key))) as unknown as Intent;
  }

  async #read(key: string): Promise<string> {
    const { body } = await this.#s3.get(manifestBucket, key);
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString('utf8');
  }

  #name({ bucket, part }: Pick<PartHead, 'bucket' | 'part'>): string {
    return `${this.#prefix}${bucket}/${String(part).padStart(8, '0')}`;
  }
}

/** Somebody else may have written there since. */
function headIn(line: unknown): { readonly bucket: string; readonly versioning: Versioning } {
  const head = objectIn(line);
  const versioning = textIn(head, 'versioning');
  return {
    bucket: textIn(head, 'bucket'),
    versioning: versioning === 'enabled' || versioning === 'suspended' ? versioning : 'off',
  };
}

function entryIn(line: unknown): Entry {
  const entry = objectIn(line);
  const headers = Object.entries(objectIn(entry['headers'])).filter(
    (header): header is [string, string] => typeof header[1] === 'string',
  );
  const did = textIn(entry, 'did');
  const tags = textIn(entry, 'tags');
  const lock = lockWritten(entry);
  return {
    key: textIn(entry, 'key'),
    size: numberIn(entry, 'size'),
    sha256: textIn(entry, 'sha256'),
    did: did === 'copied' || did === 'updated' || did === 'same' ? did : 'gone',
    ...(headers.length === 0 ? {} : { headers: Object.fromEntries(headers) }),
    ...(tags === '' ? {} : { tags }),
    ...(lock === undefined ? {} : { lock }),
  };
}
