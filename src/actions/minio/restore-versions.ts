/**
 * The history of an object brought back: its versions and delete markers in their order, on top of what stands under its
 * key. Version ids are the server's and new. What an interrupted restore has brought back already is found, and not
 * brought again; the undo removes by their ids the versions that the restore has made, and no others.
 */
import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import type { S3Client } from '../../transports/s3/client.ts';
import { versionsOfKey, type S3Version } from '../../transports/s3/versions.ts';
import { ActionFailure } from '../define-action.ts';
import { objectIn, textIn } from './admin.ts';
import { headersOf, type Carried } from './backup-carried.ts';
import { again, unlessMissing } from './backup-failure.ts';
import { digestOf, hashing, type ObjectAt } from './backup-stream.ts';
import { keptBucket } from './restore-kept.ts';
import { lasting, lockAgain, unlessLocked } from './restore-locks.ts';
import { changed, isAsWanted, proveEntry } from './restore-object.ts';
import type { VersionEntry } from './versions-manifest.ts';

export interface KeyHistory {
  readonly bucket: string;
  readonly key: string;
  /** The oldest first; none that was gone already when the backup came by it. */
  readonly wanted: readonly VersionEntry[];
  /** Whether a version of them is to be locked, and the bucket can. */
  readonly locks: boolean;
}

export interface HistoryRestoring {
  readonly here: S3Client;
  /** Where the backup's server has a version. */
  readonly placeOf: (entry: VersionEntry) => ObjectAt;
  readonly kept: KeptHistories;
  /** ms since 1970. */
  readonly now: number;
}

/** How many versions were brought back; 0: all of them stood there in this order, and the latest is the latest. */
export async function restoreHistory(history: KeyHistory, restoring: HistoryRestoring): Promise<number> {
  const { bucket, key, wanted } = history;
  const { here, kept, placeOf } = restoring;
  const present = (await versionsOfKey(here, bucket, key)).toReversed();
  const looks = new Looks(here, bucket);
  const todo = await missing(wanted, present, looks);
  if (todo.length === 0) {
    await lockHistory(history, present, looks, restoring);
    return 0;
  }
  for (const entry of todo)
    if (entry.kind === 'object') await proveEntry({ ...entry, bucket }, placeOf(entry));
  await kept.keep({ bucket, key, before: present.map(({ id }) => id), wanted });
  for (const entry of todo) await bringBack(entry, bucket, here, placeOf);
  const now = (await versionsOfKey(here, bucket, key)).toReversed();
  const tail = now.slice(-todo.length);
  for (const [index, entry] of todo.entries()) {
    const version = tail[index];
    if (version !== undefined && (await looks.areAlike(entry, version))) continue;
    throw new ActionFailure({
      code: 'NOT_AS_BACKED_UP',
      message: `${bucket}/${key}: its version ${entry.id} of ${entry.modifiedAt} was brought back, and does not stand there as the backup has it`,
      retryable: true,
      effect: 'known',
    });
  }
  await lockHistory(history, now, looks, restoring);
  return todo.length;
}

/** A runner that died may have brought versions back and not locked them yet, so all of them are looked at. */
async function lockHistory(
  { bucket, key, wanted, locks }: KeyHistory,
  present: readonly S3Version[],
  looks: Looks,
  { here, now }: HistoryRestoring,
): Promise<void> {
  if (!locks) return;
  let found = 0;
  for (const version of present) {
    const entry = wanted[found];
    if (entry === undefined || !(await looks.areAlike(entry, version))) continue;
    found += 1;
    const lock = lasting(entry.lock, now);
    if (lock !== undefined) await lockAgain(lock, { s3: here, bucket, key, versionId: version.id });
  }
}

async function missing(
  wanted: readonly VersionEntry[],
  present: readonly S3Version[],
  looks: Looks,
): Promise<readonly VersionEntry[]> {
  let found = 0;
  for (const version of present) {
    const next = wanted[found];
    if (next !== undefined && (await looks.areAlike(next, version))) found += 1;
  }
  const [last, latest] = [wanted.at(-1), present.at(-1)];
  if (found === wanted.length && last !== undefined) {
    // The history is whole; what was written since lies on top of it.
    return latest !== undefined && (await looks.areAlike(last, latest)) ? [] : [last];
  }
  // An interrupted restore has left the first of them as the last that stand there.
  for (let count = Math.min(wanted.length, present.length); count > 0; count -= 1) {
    const tail = present.slice(-count);
    const alike = await Promise.all(
      tail.map(async (version, index) => {
        const entry = wanted[index];
        return entry !== undefined && looks.areAlike(entry, version);
      }),
    );
    if (alike.every(Boolean)) return wanted.slice(count);
  }
  return wanted;
}

/** Each version is read once, however often it is compared. */
class Looks {
  readonly #here: S3Client;
  readonly #bucket: string;
  readonly #known = new Map<string, Promise<boolean>>();

  constructor(here: S3Client, bucket: string) {
    this.#here = here;
    this.#bucket = bucket;
  }

  areAlike(entry: VersionEntry, version: S3Version): Promise<boolean> {
    if (entry.kind !== version.kind) return Promise.resolve(false);
    if (entry.kind === 'marker') return Promise.resolve(true);
    if (entry.size !== version.size) return Promise.resolve(false);
    const name = `${entry.id} ${entry.modifiedAt} ${version.id} ${version.modifiedAt}`;
    const at = { s3: this.#here, bucket: this.#bucket, key: version.key, versionId: version.id };
    const known = this.#known.get(name) ?? isAsWanted(entry, carriedIn(entry), at);
    this.#known.set(name, known);
    return known;
  }
}

const carriedIn = ({ headers = {}, tags = '' }: VersionEntry): Carried => ({ headers, tags });

async function bringBack(
  entry: VersionEntry,
  bucket: string,
  here: S3Client,
  placeOf: HistoryRestoring['placeOf'],
): Promise<void> {
  if (entry.kind === 'marker') {
    await here.remove(bucket, entry.key);
    return;
  }
  const from = placeOf(entry);
  // Not sent again when its answer is lost: it may have been heard, and would stand there twice.
  const object = await unlessMissing(again(from.s3, () => from.s3.get(from.bucket, from.key)));
  if (object === undefined) throw changed({ ...entry, bucket }, from);
  const hash = createHash('sha256');
  const stream = hashing(object.body, hash);
  const answer = await here.put(
    bucket,
    entry.key,
    { stream, bytes: entry.size },
    headersOf(carriedIn(entry)),
  );
  if (hash.digest('hex') === entry.sha256) return;
  const id = answer['x-amz-version-id'];
  if (id !== undefined) await here.remove(bucket, entry.key, id);
  throw changed({ ...entry, bucket }, from);
}

interface KeptHistory {
  readonly bucket: string;
  readonly key: string;
  /** Ids of the versions that stood before. */
  readonly before: readonly string[];
  readonly wanted: readonly Pick<VersionEntry, 'kind' | 'size' | 'sha256'>[];
}

/** Beside what restore-kept.ts keeps: which versions of a key stood before. */
export class KeptHistories {
  readonly #there: S3Client;
  readonly #prefix: string;

  constructor(there: S3Client, token: string) {
    this.#there = there;
    this.#prefix = `${token}/histories/`;
  }

  /** Once for each key, whatever runs again. */
  async keep({ bucket, key, before, wanted }: KeptHistory): Promise<void> {
    const name = `${this.#prefix}${createHash('sha256').update(`${bucket}/${key}`).digest('hex')}`;
    if ((await this.#there.head(keptBucket, name)) !== undefined) return;
    const own = wanted.map(({ kind, size, sha256 }) => ({ kind, size, sha256 }));
    await this.#there.put(
      keptBucket,
      name,
      Buffer.from(JSON.stringify({ bucket, key, before, wanted: own })),
    );
  }

  /** Removes what the restore has made of each key, the newest first; what is locked stays, and goes into `locked`. How many versions went. */
  async takeBack(here: S3Client, locked: string[], onKey: (count: number) => void): Promise<number> {
    let removed = 0;
    if (!(await this.#there.hasBucket(keptBucket))) return removed;
    for await (const { key: name } of this.#there.objects(keptBucket, this.#prefix)) {
      const { body } = await this.#there.get(keptBucket, name);
      // Written by this same code under this step's own token.
      const record = objectIn(JSON.parse(await text(body)));
      removed += await takeBackOne(record as unknown as KeptHistory, textIn(record, 'key'), here, locked);
      onKey(removed);
    }
    return removed;
  }
}

async function takeBackOne(
  { bucket, before, wanted }: KeptHistory,
  key: string,
  here: S3Client,
  locked: string[],
): Promise<number> {
  let removed = 0;
  if (!(await here.hasBucket(bucket))) return removed;
  for (const version of await versionsOfKey(here, bucket, key)) {
    if (before.includes(version.id) || !(await isOurs(version, bucket, wanted, here))) continue;
    if (await unlessLocked(here.remove(bucket, key, version.id))) removed += 1;
    else locked.push(`${bucket}/${key} version ${version.id}`);
  }
  return removed;
}

async function isOurs(
  { kind, key, id, size }: S3Version,
  bucket: string,
  wanted: KeptHistory['wanted'],
  here: S3Client,
): Promise<boolean> {
  const alike = wanted.filter((one) => one.kind === kind && one.size === size);
  if (alike.length === 0 || kind === 'marker') return alike.length > 0;
  const found = await digestOf({ s3: here, bucket, key, versionId: id });
  return alike.some(({ sha256 }) => sha256 === found?.sha256);
}
