/**
 * The history of an object brought back: its versions and delete markers in their order, on top of what stands under its
 * key. Version ids are the server's and new, and written down for the undo (restore-histories.ts). What an interrupted
 * restore has brought back already is found, and not brought again.
 */
import { createHash } from 'node:crypto';
import type { S3Client } from '../../transports/s3/client.ts';
import { versionsOfKey, type S3Version } from '../../transports/s3/versions.ts';
import { ActionFailure } from '../define-action.ts';
import { headersOf, type Carried } from './backup-carried.ts';
import { again, unlessMissing } from './backup-failure.ts';
import { hashing, type ObjectAt } from './backup-stream.ts';
import type { KeptHistories } from './restore-histories.ts';
import { lasting, lockAgain } from './restore-locks.ts';
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
  const made = await kept.begin({ bucket, key, before: present.map(({ id }) => id), wanted: todo }, here);
  try {
    for (const entry of todo) made.add(await bringBack(entry, bucket, here, placeOf));
  } catch (error) {
    await made.keep('some').catch(() => undefined);
    throw error;
  }
  await made.keep('all');
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

/** Undefined: the server has not said which id it has. */
async function bringBack(
  entry: VersionEntry,
  bucket: string,
  here: S3Client,
  placeOf: HistoryRestoring['placeOf'],
): Promise<string | undefined> {
  if (entry.kind === 'marker') return (await here.remove(bucket, entry.key))['x-amz-version-id'];
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
  const id = answer['x-amz-version-id'];
  if (hash.digest('hex') === entry.sha256) return id;
  if (id !== undefined) await here.remove(bucket, entry.key, id);
  throw changed({ ...entry, bucket }, from);
}
