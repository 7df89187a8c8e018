/**
 * A bounded load of PUT, overwrite and GET through nginx, where asked with DELETE and LIST beside them, and the account of
 * it: every request that failed, with its time, and at the end whether each acknowledged object is there with its bytes,
 * and each that was deleted is away.
 *
 * Each worker owns its keys, so it knows what each must hold. A write without an answer may or may not have happened:
 * until the next acknowledged write, the key may hold the old or the new bytes. Nothing is retried.
 */
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { nameOf } from './exchange.ts';
import { S3Refusal, type S3 } from './s3.ts';

export interface LoadOptions {
  readonly bucket?: string;
  /** Default 2. */
  readonly workers?: number;
  /** Different objects per worker; default 50. */
  readonly keysPerWorker?: number;
  /** Default 4096. */
  readonly objectBytes?: number;
  /** Rest of a worker between two requests; default 50. */
  readonly gapMs?: number;
  /** The load ends by itself after these; default 900 s and 50 000 requests. */
  readonly secondsMax?: number;
  readonly requestsMax?: number;
  /** Per request; default 10 000. */
  readonly timeoutMs?: number;
  /** Objects that are written to be deleted, and deleted, a second; with them the bucket is listed now and then. Default 0. */
  readonly deletesPerSecond?: number;
}

type Operation = 'put' | 'overwrite' | 'get' | 'delete' | 'list' | 'final get';
type Counted = Exclude<Operation, 'final get'>;

export interface LoadFailure {
  readonly at: string;
  readonly operation: Operation;
  readonly key: string;
  /** SlowDownWrite, NoSuchKey, ETIMEDOUT, `other bytes`, … */
  readonly problem: string;
  readonly durationMs: number;
}

export interface LoadReport {
  readonly requests: Readonly<Record<Counted, number>>;
  /** Requests that failed while the load ran. */
  readonly failures: readonly LoadFailure[];
  readonly slowestMs: number;
  /** Objects of which at least one write was acknowledged. */
  readonly acknowledged: number;
  /** Those of them that the final look did not find with the right bytes. */
  readonly lost: readonly LoadFailure[];
  readonly undeleted: readonly Undeleted[];
}

/** An object whose DELETE was answered 204 and that the final look, or the final list, has found again. Times in ms since 1970. */
export interface Undeleted {
  readonly key: string;
  readonly foundBy: 'get' | 'list';
  readonly put: Exchanged;
  readonly deleted: Exchanged;
}

interface Exchanged {
  readonly sentAt: number;
  readonly answeredAt: number;
}

interface Expectation {
  /** Checksums that the object may have; `absent` when no write was ever acknowledged. */
  readonly allowed: ReadonlySet<string>;
  readonly isAcknowledged: boolean;
}

/** So many objects wait to be deleted. */
const deletedBehind = 20;

const checksum = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const never: Expectation = { allowed: new Set(['absent']), isAcknowledged: false };

export class Load {
  /** Creates the bucket and begins. Rejects when there can be no such bucket. */
  static async start(s3: S3, options: LoadOptions = {}): Promise<Load> {
    const load = new Load(s3, options);
    await s3.createBucket(load.bucket);
    load.#workers = Array.from({ length: options.workers ?? 2 }, (_, number) => load.#work(number));
    const { deletesPerSecond = 0 } = options;
    if (deletesPerSecond > 0)
      load.#workers = [...load.#workers, load.#deleteAll(1_000 / deletesPerSecond), load.#listAll()];
    return load;
  }

  readonly bucket: string;
  readonly #s3: S3;
  readonly #options: LoadOptions;
  readonly #run = randomBytes(3).toString('hex');
  readonly #objects = new Map<string, Expectation>();
  readonly #requests = { put: 0, overwrite: 0, get: 0, delete: 0, list: 0 };
  readonly #deleted = new Map<string, Exchanged>();
  /** Of each object that is to be deleted, when it was written. */
  readonly #written = new Map<string, Exchanged>();
  readonly #failures: LoadFailure[] = [];
  readonly #endsAt: number;
  #slowestMs = 0;
  #isStopped = false;
  #workers: readonly Promise<void>[] = [];

  private constructor(s3: S3, options: LoadOptions) {
    this.#s3 = s3;
    this.#options = options;
    this.bucket = options.bucket ?? 'lab-load';
    this.#endsAt = Date.now() + (options.secondsMax ?? 900) * 1000;
  }

  /** How many requests have been made so far. */
  get requests(): Readonly<Record<Counted, number>> {
    return { ...this.#requests };
  }

  /** So far. */
  get failures(): readonly LoadFailure[] {
    return this.#failures;
  }

  /** Ends the load and reads every object once more. Call it when the cluster is meant to be whole. */
  async stop(): Promise<LoadReport> {
    this.#isStopped = true;
    await Promise.all(this.#workers);
    const lost: LoadFailure[] = [];
    const acknowledged = [...this.#objects].filter(([, { isAcknowledged }]) => isAcknowledged);
    for (const [key, expected] of acknowledged) {
      const began = Date.now();
      const problem = await this.#read(key, expected);
      if (problem !== undefined) lost.push(failure(began, 'final get', key, problem));
    }
    const undeleted: Undeleted[] = [];
    const foundBy = (by: Undeleted['foundBy'], key: string, deleted: Exchanged): void => {
      const put = this.#written.get(key) ?? { sentAt: 0, answeredAt: 0 };
      undeleted.push({ key, foundBy: by, put, deleted });
    };
    for (const [key, times] of this.#deleted) {
      const problem = await this.#read(key, never);
      if (problem !== undefined) foundBy('get', key, times);
    }
    if ((this.#options.deletesPerSecond ?? 0) > 0) {
      const began = Date.now();
      const listed = new Set((await this.#s3.list(this.bucket)).map(({ key }) => key));
      for (const [key] of acknowledged)
        if (!listed.has(key)) lost.push(failure(began, 'list', key, 'not listed'));
      for (const [key, times] of this.#deleted) if (listed.has(key)) foundBy('list', key, times);
    }
    return {
      requests: { ...this.#requests },
      failures: this.#failures,
      slowestMs: this.#slowestMs,
      acknowledged: acknowledged.length,
      lost,
      undeleted,
    };
  }

  get #isOver(): boolean {
    const requests = Object.values(this.#requests).reduce((sum, count) => sum + count, 0);
    return this.#isStopped || Date.now() > this.#endsAt || requests >= (this.#options.requestsMax ?? 50_000);
  }

  async #work(number: number): Promise<void> {
    const keys = this.#options.keysPerWorker ?? 50;
    for (let turn = 0; !this.#isOver; turn++) {
      // Writes walk through the keys; reads go to one that was written before.
      const written = Math.min(turn + 1, keys);
      const writeKey = `${this.#run}/${number}/${turn % keys}`;
      const readKey = `${this.#run}/${number}/${Math.floor(Math.random() * written)}`;
      await this.#timed(this.#objects.has(writeKey) ? 'overwrite' : 'put', writeKey, () =>
        this.#write(writeKey),
      );
      await this.#timed('get', readKey, () => this.#read(readKey, this.#objects.get(readKey) ?? never));
    }
  }

  /** Writes an object, waits, and deletes it: some are always there to be healed, listed and deleted meanwhile. */
  async #deleteAll(everyMs: number): Promise<void> {
    const waiting: string[] = [];
    for (let turn = 0; !this.#isOver; turn += 1) {
      const next = Date.now() + everyMs;
      const key = `${this.#run}/deleted/${turn}`;
      const sentAt = Date.now();
      await this.#timed('put', key, () => this.#write(key), 0);
      this.#written.set(key, { sentAt, answeredAt: Date.now() });
      waiting.push(key);
      const old = waiting.length > deletedBehind ? waiting.shift() : undefined;
      if (old !== undefined) await this.#timed('delete', old, () => this.#delete(old), 0);
      await sleep(Math.max(0, next - Date.now()));
    }
  }

  async #listAll(): Promise<void> {
    while (!this.#isOver) {
      await this.#timed('list', this.bucket, () => this.#list(), 1_000);
    }
  }

  async #delete(key: string): Promise<string | undefined> {
    const before = this.#objects.get(key) ?? never;
    // Until it is answered it may be there or not.
    this.#objects.set(key, { allowed: new Set([...before.allowed, 'absent']), isAcknowledged: false });
    const sentAt = Date.now();
    try {
      const path = `/${this.bucket}/${key}`;
      const answer = await this.#s3.request({ method: 'DELETE', path, timeoutMs: this.#timeoutMs });
      if (answer.status !== 204) throw new S3Refusal(`DELETE ${path}`, answer);
      this.#objects.delete(key);
      this.#deleted.set(key, { sentAt, answeredAt: Date.now() });
      return undefined;
    } catch (error) {
      return problemOf(error);
    }
  }

  /**
   * Whether it is answered. What it must hold is seen at the end: while a node is away, and until it is healed, MinIO leaves
   * objects out that were overwritten meanwhile, though it reads them.
   */
  async #list(): Promise<string | undefined> {
    try {
      await this.#s3.list(this.bucket);
      return undefined;
    } catch (error) {
      return problemOf(error);
    }
  }

  async #timed(
    operation: Counted,
    key: string,
    request: () => Promise<string | undefined>,
    restMs = this.#options.gapMs ?? 50,
  ) {
    if (this.#isOver) return;
    this.#requests[operation] += 1;
    const began = Date.now();
    const problem = await request();
    this.#slowestMs = Math.max(this.#slowestMs, Date.now() - began);
    if (problem !== undefined) this.#failures.push(failure(began, operation, key, problem));
    await sleep(restMs);
  }

  async #write(key: string): Promise<string | undefined> {
    const bytes = randomBytes(this.#options.objectBytes ?? 4096);
    const before = this.#objects.get(key) ?? never;
    try {
      const path = `/${this.bucket}/${key}`;
      const answer = await this.#s3.request({ method: 'PUT', path, body: bytes, timeoutMs: this.#timeoutMs });
      if (answer.status !== 200) throw new S3Refusal(`PUT ${path}`, answer);
      this.#objects.set(key, { allowed: new Set([checksum(bytes)]), isAcknowledged: true });
      return undefined;
    } catch (error) {
      const allowed = new Set([...before.allowed, checksum(bytes)]);
      this.#objects.set(key, { allowed, isAcknowledged: before.isAcknowledged });
      return problemOf(error);
    }
  }

  async #read(key: string, { allowed }: Expectation): Promise<string | undefined> {
    try {
      const path = `/${this.bucket}/${key}`;
      const answer = await this.#s3.request({ path, timeoutMs: this.#timeoutMs });
      if (answer.status === 404 && allowed.has('absent')) return undefined;
      if (answer.status !== 200) throw new S3Refusal(`GET ${path}`, answer);
      return allowed.has(checksum(answer.body)) ? undefined : 'other bytes';
    } catch (error) {
      return problemOf(error);
    }
  }

  get #timeoutMs(): number {
    return this.#options.timeoutMs ?? 10_000;
  }
}

function problemOf(error: unknown): string {
  return error instanceof S3Refusal ? error.code : nameOf(error);
}

function failure(began: number, operation: Operation, key: string, problem: string): LoadFailure {
  return { at: new Date(began).toISOString(), operation, key, problem, durationMs: Date.now() - began };
}
