/**
 * A bounded load of PUT, overwrite and GET through nginx, and the account of it: every request that failed, with its
 * time, and at the end whether each acknowledged object is there with its bytes.
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
}

type Operation = 'put' | 'overwrite' | 'get' | 'final get';

export interface LoadFailure {
  readonly at: string;
  readonly operation: Operation;
  readonly key: string;
  /** SlowDownWrite, NoSuchKey, ETIMEDOUT, `other bytes`, … */
  readonly problem: string;
  readonly durationMs: number;
}

export interface LoadReport {
  readonly requests: Readonly<Record<'put' | 'overwrite' | 'get', number>>;
  /** Requests that failed while the load ran. */
  readonly failures: readonly LoadFailure[];
  readonly slowestMs: number;
  /** Objects of which at least one write was acknowledged. */
  readonly acknowledged: number;
  /** Those of them that the final look did not find with the right bytes. */
  readonly lost: readonly LoadFailure[];
}

interface Expectation {
  /** Checksums that the object may have; `absent` when no write was ever acknowledged. */
  readonly allowed: ReadonlySet<string>;
  readonly isAcknowledged: boolean;
}

const checksum = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const never: Expectation = { allowed: new Set(['absent']), isAcknowledged: false };

export class Load {
  /** Creates the bucket and begins. Rejects when the bucket cannot be had. */
  static async start(s3: S3, options: LoadOptions = {}): Promise<Load> {
    const load = new Load(s3, options);
    await s3.createBucket(load.bucket);
    load.#workers = Array.from({ length: options.workers ?? 2 }, (_, number) => load.#work(number));
    return load;
  }

  readonly bucket: string;
  readonly #s3: S3;
  readonly #options: LoadOptions;
  readonly #run = randomBytes(3).toString('hex');
  readonly #objects = new Map<string, Expectation>();
  readonly #requests = { put: 0, overwrite: 0, get: 0 };
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
  get requests(): Readonly<Record<'put' | 'overwrite' | 'get', number>> {
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
    return {
      requests: { ...this.#requests },
      failures: this.#failures,
      slowestMs: this.#slowestMs,
      acknowledged: acknowledged.length,
      lost,
    };
  }

  get #isOver(): boolean {
    const { put, overwrite, get } = this.#requests;
    return (
      this.#isStopped ||
      Date.now() > this.#endsAt ||
      put + overwrite + get >= (this.#options.requestsMax ?? 50_000)
    );
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

  async #timed(
    operation: 'put' | 'overwrite' | 'get',
    key: string,
    request: () => Promise<string | undefined>,
  ) {
    if (this.#isOver) return;
    this.#requests[operation] += 1;
    const began = Date.now();
    const problem = await request();
    this.#slowestMs = Math.max(this.#slowestMs, Date.now() - began);
    if (problem !== undefined) this.#failures.push(failure(began, operation, key, problem));
    await sleep(this.#options.gapMs ?? 50);
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
