/**
 * Which versions a restore has made of each key, kept at the backup's server until its undo: those that stood before, what it
 * was about to write, and the ids that it got. The undo removes those ids, and no version of anybody else, however alike.
 */
import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import type { Json } from '../../json.ts';
import type { S3Client } from '../../transports/s3/client.ts';
import { versionsOfKey, type S3Version } from '../../transports/s3/versions.ts';
import { numberIn, objectIn, textIn } from './admin.ts';
import { unlessMissing } from './backup-failure.ts';
import { digestOf } from './backup-stream.ts';
import { keptBucket } from './restore-kept.ts';
import { unlessLocked } from './restore-locks.ts';
import type { VersionEntry } from './versions-manifest.ts';

type Wanted = Pick<VersionEntry, 'kind' | 'size' | 'sha256'>;

interface KeptHistory {
  readonly bucket: string;
  readonly key: string;
  /** Ids of the versions that stood before. */
  readonly before: readonly string[];
  /** What is written, the oldest first. */
  readonly wanted: readonly Wanted[];
}

/** Ids that the server gave to what was written. */
interface Made {
  readonly ids: readonly string[];
  /** False: a runner died, or a request got no answer, so there may be more of them. */
  readonly isAll: boolean;
}

/** What one attempt writes of one key. */
interface Making {
  add(id: string | undefined): void;
  keep(how: 'all' | 'some'): Promise<void>;
}

export class KeptHistories {
  readonly #there: S3Client;
  readonly #token: string;

  constructor(there: S3Client, token: string) {
    this.#there = there;
    this.#token = token;
  }

  /** Before the first version of the key is written. Of an earlier attempt, what it found and what it made is kept on. */
  async begin(history: KeptHistory, here: S3Client): Promise<Making> {
    const name = nameOf(history);
    const earlier = await this.#history(name);
    if (earlier === undefined) {
      const { bucket, key, before } = history;
      const wanted = history.wanted.map(({ kind, size, sha256 }) => ({ kind, size, sha256 }));
      await this.#put(this.#historyKey(name), { bucket, key, before, wanted });
    }
    const ids = new Set(earlier === undefined ? [] : await this.#madeOf(earlier, here));
    let isAll = true;
    return {
      add: (id) => {
        if (id === undefined) isAll = false;
        else ids.add(id);
      },
      keep: (how) => this.#put(this.#madeKey(name), { ids: [...ids], isAll: isAll && how === 'all' }),
    };
  }

  /** Removes what the restore has made of each key, the newest first; what is locked stays, and goes into `locked`. How many versions went. */
  async takeBack(here: S3Client, locked: string[], onKey: (count: number) => void): Promise<number> {
    let removed = 0;
    if (!(await this.#there.hasBucket(keptBucket))) return removed;
    for await (const { key: name } of this.#there.objects(keptBucket, this.#historyKey(''))) {
      const history = await this.#history(name.slice(this.#historyKey('').length));
      if (history === undefined || !(await here.hasBucket(history.bucket))) continue;
      const { bucket, key } = history;
      for (const id of (await this.#madeOf(history, here)).toReversed()) {
        if (await unlessLocked(here.remove(bucket, key, id))) removed += 1;
        else locked.push(`${bucket}/${key} version ${id}`);
      }
      onKey(removed);
    }
    return removed;
  }

  /** The ids of what the restore has made of the key and is there still, the oldest first. */
  async #madeOf(history: KeptHistory, here: S3Client): Promise<string[]> {
    const { bucket, key, before } = history;
    const { ids, isAll } = await this.#made(nameOf(history));
    const since = (await versionsOfKey(here, bucket, key))
      .filter(({ id }) => !before.includes(id))
      .toReversed();
    const found = isAll ? [] : await inOrder(history, since, here);
    return since.flatMap(({ id }) => (ids.includes(id) || found.includes(id) ? [id] : []));
  }

  async #history(name: string): Promise<KeptHistory | undefined> {
    const record = await this.#read(this.#historyKey(name));
    if (record === undefined) return undefined;
    const wanted = listIn(record['wanted']).map((one): Wanted => {
      const entry = objectIn(one);
      const kind = textIn(entry, 'kind') === 'marker' ? 'marker' : 'object';
      return { kind, size: numberIn(entry, 'size'), sha256: textIn(entry, 'sha256') };
    });
    return {
      bucket: textIn(record, 'bucket'),
      key: textIn(record, 'key'),
      before: listIn(record['before']).map(String),
      wanted,
    };
  }

  async #made(name: string): Promise<Made> {
    const record = await this.#read(this.#madeKey(name));
    if (record === undefined) return { ids: [], isAll: false };
    return { ids: listIn(record['ids']).map(String), isAll: record['isAll'] === true };
  }

  async #read(key: string): Promise<ReturnType<typeof objectIn> | undefined> {
    const object = await unlessMissing(this.#there.get(keptBucket, key));
    return object === undefined ? undefined : objectIn(JSON.parse(await text(object.body)));
  }

  async #put(key: string, record: KeptHistory | Made): Promise<void> {
    await this.#there.put(keptBucket, key, Buffer.from(JSON.stringify(record)));
  }

  #historyKey = (name: string): string => `${this.#token}/histories/${name}`;
  #madeKey = (name: string): string => `${this.#token}/made/${name}`;
}

const listIn = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : []);

const nameOf = ({ bucket, key }: Pick<KeptHistory, 'bucket' | 'key'>): string =>
  createHash('sha256').update(`${bucket}/${key}`).digest('hex');

/**
 * Where nobody has written the ids down: what stands there in the order in which it was written, each once. What somebody
 * has written or deleted since, and is alike, comes after that.
 */
async function inOrder(
  { bucket, wanted }: KeptHistory,
  since: readonly S3Version[],
  here: S3Client,
): Promise<string[]> {
  const found: string[] = [];
  let next = 0;
  for (const { kind, key, id, size } of since) {
    const alike = (one: Wanted): boolean => one.kind === kind && one.size === size;
    if (!wanted.slice(next).some(alike)) continue;
    const sha256 =
      kind === 'marker' ? '' : (await digestOf({ s3: here, bucket, key, versionId: id }))?.sha256;
    const at = wanted.findIndex(
      (one, index) => index >= next && alike(one) && (kind === 'marker' || one.sha256 === sha256),
    );
    if (at < 0) continue;
    found.push(id);
    next = at + 1;
  }
  return found;
}
