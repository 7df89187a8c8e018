/**
 * The versions and delete markers of a bucket that keeps them, as a backup with Versions has written them down beside its
 * manifest: for each page of the listing one part, in the order of the keys, of one key the newest first. The bytes of each
 * version stand in a bucket of their own at the target, under a name that does not change from one backup to the next.
 */
import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import type { S3Client } from '../../transports/s3/client.ts';
import type { S3Version, VersionCursor, Versioning } from '../../transports/s3/versions.ts';
import { numberIn, objectIn, textIn } from './admin.ts';
import { manifestBucket, type Entry } from './backup-manifest.ts';
import { lockWritten } from './written-lock.ts';

/** At the target, behind its BucketPrefix. */
export const versionsBucket = 'belay-versions';
const suffix = '.versions';

export interface VersionEntry extends Entry {
  readonly kind: S3Version['kind'];
  /** At the source. */
  readonly id: string;
  readonly modifiedAt: string;
  /** The object's name in the bucket of versions; of a marker empty. */
  readonly place: string;
}

export interface VersionTotals {
  readonly versions: number;
  readonly markers: number;
  readonly bytes: number;
  readonly copied: number;
}

/** The first line of a part. */
export interface VersionsHead {
  readonly bucket: string;
  readonly part: number;
  readonly versioning: Versioning;
  readonly totals: VersionTotals;
  /** Where the listing goes on; null: it is through. */
  readonly next: VersionCursor | null;
}

/** `null` versions are overwritten in place, so their time is part of the name. */
export function placeOf(bucket: string, { key, id, modifiedAt }: S3Version): string {
  const name = createHash('sha256').update(key).digest('hex');
  const version = id === 'null' ? `null-${modifiedAt}` : id;
  return `${bucket}/${name}/${version.replaceAll(/[^A-Za-z0-9._-]/g, '-')}`;
}

export class VersionsManifest {
  readonly #there: S3Client;
  readonly #token: string;

  constructor(there: S3Client, token: string) {
    this.#there = there;
    this.#token = token;
  }

  async write(head: VersionsHead, entries: readonly VersionEntry[]): Promise<void> {
    const lines = [head, ...entries].map((line) => `${JSON.stringify(line)}\n`);
    const name = `versions-${String(head.part).padStart(8, '0')}${suffix}`;
    await this.#there.put(
      manifestBucket,
      `${this.#token}/${head.bucket}/${name}`,
      Buffer.from(lines.join('')),
    );
  }

  async heads(): Promise<VersionsHead[]> {
    const heads: VersionsHead[] = [];
    for await (const [head] of this.#parts()) heads.push(headIn(head));
    return heads;
  }

  /** Whether the versions of this bucket, or of any, were backed up. */
  async stands(bucket?: string): Promise<boolean> {
    for await (const _ of this.#parts(bucket)) return true;
    return false;
  }

  /** The versions of one key after the other, the newest first. */
  async *keys(bucket?: string): AsyncGenerator<{
    readonly bucket: string;
    readonly versioning: Versioning;
    readonly key: string;
    readonly versions: readonly VersionEntry[];
  }> {
    let current:
      | { bucket: string; versioning: Versioning; key: string; versions: VersionEntry[] }
      | undefined;
    for await (const [first, ...lines] of this.#parts(bucket)) {
      const head = headIn(first);
      for (const line of lines) {
        const entry = entryIn(line);
        if (current?.key === entry.key && current.bucket === head.bucket) current.versions.push(entry);
        else {
          if (current !== undefined) yield current;
          const { bucket: of, versioning } = head;
          current = { bucket: of, versioning, key: entry.key, versions: [entry] };
        }
      }
    }
    if (current !== undefined) yield current;
  }

  async *#parts(bucket?: string): AsyncGenerator<readonly unknown[]> {
    const prefix = bucket === undefined ? `${this.#token}/` : `${this.#token}/${bucket}/versions-`;
    for await (const { key } of this.#there.objects(manifestBucket, prefix)) {
      if (!key.endsWith(suffix)) continue;
      const { body } = await this.#there.get(manifestBucket, key);
      const lines = (await text(body)).split('\n').filter((line) => line !== '');
      yield lines.map((line): unknown => JSON.parse(line));
    }
  }
}

function headIn(line: unknown): VersionsHead {
  const head = objectIn(line);
  const [totals, next] = [objectIn(head['totals']), objectIn(head['next'])];
  const versioning = textIn(head, 'versioning');
  return {
    bucket: textIn(head, 'bucket'),
    part: numberIn(head, 'part'),
    versioning: versioning === 'enabled' || versioning === 'suspended' ? versioning : 'off',
    totals: {
      versions: numberIn(totals, 'versions'),
      markers: numberIn(totals, 'markers'),
      bytes: numberIn(totals, 'bytes'),
      copied: numberIn(totals, 'copied'),
    },
    next: textIn(next, 'key') === '' ? null : { key: textIn(next, 'key'), id: textIn(next, 'id') },
  };
}

/** Somebody else may have written there since. */
function entryIn(line: unknown): VersionEntry {
  const entry = objectIn(line);
  const headers = Object.entries(objectIn(entry['headers'])).filter(
    (header): header is [string, string] => typeof header[1] === 'string',
  );
  const did = textIn(entry, 'did');
  const lock = lockWritten(entry);
  return {
    kind: textIn(entry, 'kind') === 'marker' ? 'marker' : 'object',
    key: textIn(entry, 'key'),
    id: textIn(entry, 'id'),
    modifiedAt: textIn(entry, 'modifiedAt'),
    place: textIn(entry, 'place'),
    size: numberIn(entry, 'size'),
    sha256: textIn(entry, 'sha256'),
    headers: Object.fromEntries(headers),
    tags: textIn(entry, 'tags'),
    ...(lock === undefined ? {} : { lock }),
    did: did === 'copied' || did === 'updated' || did === 'same' ? did : 'gone',
  };
}
