/** The part of S3 that Belay needs, over one HTTP client: buckets, objects as streams, listings in pages, lifecycle rules. */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { HttpAnswer, HttpClient, HttpRequest } from '../http/client.ts';
import { defaultRegion, signed, type AccessKey } from '../http/sign.ts';
import { refusal, S3Failure } from './failure.ts';
import { bucketPath, decodedKey, objectPath } from './path.ts';
import { XmlReply, type XmlElement } from './xml.ts';

export { S3Failure } from './failure.ts';

export interface S3Options {
  readonly key: AccessKey;
  readonly region?: string;
  readonly signal: AbortSignal;
  /** How long nothing may come or go in one request, in ms. */
  readonly silenceMs: number;
}

export interface S3Object {
  readonly key: string;
  readonly size: number;
  /** ISO 8601, by the server's clock. */
  readonly modifiedAt: string;
  /** Without its quotes. */
  readonly etag: string;
}

/** A piece of one object, refused (412 PreconditionFailed) where the object is not the one any more that has this ETag. */
export interface Slice {
  readonly from: number;
  readonly bytes: number;
  /** As the server writes it, quotes included. */
  readonly etag: string;
}

export interface S3Page {
  readonly objects: readonly S3Object[];
  /** False: there are more behind the last key. */
  readonly isLast: boolean;
}

/** Answers that are read whole: listings of 1000 keys of 1024 bytes fit many times. */
const replyBytesMax = 32 * 1024 * 1024;
/** MinIO itself waits 10 s for a peer that hangs. */
const answerMsMax = 12_000;
/** `silenceMs` in place of the client's. */
type Send = Pick<HttpRequest, 'method' | 'query' | 'headers' | 'body'> & { readonly silenceMs?: number };

export class S3Client {
  readonly #http: HttpClient;
  readonly #options: S3Options;

  constructor(http: HttpClient, options: S3Options) {
    this.#http = http;
    this.#options = options;
  }

  /** For people: `minio1 port 9000`. */
  get label(): string {
    return this.#http.endpoint.label;
  }

  /** The same connections under another signal: what has to be cleaned up after a cancel is asked all the same. */
  until(signal: AbortSignal): S3Client {
    return new S3Client(this.#http, { ...this.#options, signal });
  }

  /** Whether it says anything at all within 12 s: tells a connection that fell silent from a server that hangs. */
  async answers(): Promise<boolean> {
    try {
      const silenceMs = Math.min(this.#options.silenceMs, answerMsMax);
      const answer = await this.#send('/', { method: 'GET', silenceMs });
      await this.#http.text(answer, replyBytesMax);
      return true;
    } catch (error) {
      return !(error instanceof Error && 'code' in error && error.code === 'NO_REPLY');
    }
  }

  async buckets(): Promise<string[]> {
    const reply = await this.xml('/', { method: 'GET' }, 'ListAllMyBucketsResult');
    const buckets = reply.one('Buckets')?.all('Bucket') ?? [];
    return buckets.map((bucket) => bucket.text('Name'));
  }

  async hasBucket(bucket: string): Promise<boolean> {
    return (await this.#unlessMissing(this.ask(bucketPath(bucket), { method: 'HEAD' }))) !== undefined;
  }

  /** Harmless when the same user has it already. */
  async makeBucket(bucket: string): Promise<void> {
    try {
      await this.ask(bucketPath(bucket), { method: 'PUT' });
    } catch (error) {
      if (!(error instanceof S3Failure) || error.code !== 'BucketAlreadyOwnedByYou') throw error;
    }
  }

  /** Only an empty one; false when there was none. */
  async removeBucket(bucket: string): Promise<boolean> {
    const removed = this.ask(bucketPath(bucket), { method: 'DELETE' });
    return (await this.#unlessMissing(removed)) !== undefined;
  }

  /** At most a thousand objects in the order of their keys. */
  async page(
    bucket: string,
    { prefix = '', after = '' }: { prefix?: string; after?: string } = {},
  ): Promise<S3Page> {
    const query = {
      'list-type': '2',
      'encoding-type': 'url',
      ...(prefix === '' ? {} : { prefix }),
      ...(after === '' ? {} : { 'start-after': after }),
    };
    const reply = await this.xml(bucketPath(bucket), { method: 'GET', query }, 'ListBucketResult');
    const isEncoded = reply.text('EncodingType') === 'url';
    const objects = reply.all('Contents').map((entry) => ({
      key: isEncoded ? decodedKey(entry.text('Key')) : entry.text('Key'),
      size: Number(entry.text('Size')),
      modifiedAt: entry.text('LastModified'),
      etag: entry.text('ETag').replaceAll('"', ''),
    }));
    return { objects, isLast: reply.text('IsTruncated') !== 'true' };
  }

  /** Every object of a bucket, page by page: memory does not grow with their number. */
  async *objects(bucket: string, prefix = ''): AsyncGenerator<S3Object> {
    let after = '';
    for (;;) {
      const { objects, isLast } = await this.page(bucket, { prefix, after });
      yield* objects;
      const last = objects.at(-1);
      if (isLast || last === undefined) return;
      after = last.key;
    }
  }

  /** The object's bytes as they come, and its headers; of one version where it is named. Rejects with S3Failure NoSuchKey. */
  async get(
    bucket: string,
    key: string,
    slice?: Slice,
    versionId?: string,
  ): Promise<{ headers: Readonly<Record<string, string>>; body: Readable }> {
    const path = objectPath(bucket, key);
    const headers =
      slice === undefined
        ? {}
        : { range: `bytes=${slice.from}-${slice.from + slice.bytes - 1}`, 'if-match': slice.etag };
    const answer = await this.#send(path, { method: 'GET', headers, ...versionQuery(versionId) });
    if (answer.status !== (slice === undefined ? 200 : 206)) throw await this.#refused(answer, 'GET', path);
    return { headers: answer.headers, body: answer.body };
  }

  /** Its headers; undefined where the server says that there is no such object or bucket. */
  async head(
    bucket: string,
    key: string,
    versionId?: string,
  ): Promise<Readonly<Record<string, string>> | undefined> {
    const send = { method: 'HEAD', ...versionQuery(versionId) } as const;
    const answer = await this.#unlessMissing(this.ask(objectPath(bucket, key), send));
    return answer?.headers;
  }

  /** The answer's headers: `x-amz-version-id` where the bucket keeps versions. */
  async put(
    bucket: string,
    key: string,
    body: Uint8Array | { readonly stream: Readable; readonly bytes: number },
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Readonly<Record<string, string>>> {
    const sent =
      body instanceof Uint8Array
        ? { body, headers: { ...headers, 'content-length': String(body.byteLength) } }
        : { body: body.stream, headers: { ...headers, 'content-length': String(body.bytes) } };
    return (await this.ask(objectPath(bucket, key), { method: 'PUT', ...sent })).headers;
  }

  /**
   * Harmless when it is not there. Without a version a bucket that keeps versions gets a delete marker. The answer's headers:
   * `x-amz-version-id` of that marker.
   */
  async remove(bucket: string, key: string, versionId?: string): Promise<Readonly<Record<string, string>>> {
    const send = { method: 'DELETE', ...versionQuery(versionId) } as const;
    return (await this.#unlessMissing(this.ask(objectPath(bucket, key), send)))?.headers ?? {};
  }

  /** The rules as the server writes them; undefined: the bucket has none. */
  async lifecycle(bucket: string): Promise<string | undefined> {
    try {
      const { text } = await this.ask(bucketPath(bucket), { method: 'GET', query: { lifecycle: '' } });
      return text;
    } catch (error) {
      if (error instanceof S3Failure && error.code === 'NoSuchLifecycleConfiguration') return undefined;
      throw error;
    }
  }

  /** In place of all rules that the bucket has. */
  async putLifecycle(bucket: string, xml: string): Promise<void> {
    const body = Buffer.from(xml);
    const headers = { 'content-md5': createHash('md5').update(body).digest('base64') };
    await this.ask(bucketPath(bucket), { method: 'PUT', query: { lifecycle: '' }, body, headers });
  }

  async removeLifecycle(bucket: string): Promise<void> {
    await this.ask(bucketPath(bucket), { method: 'DELETE', query: { lifecycle: '' } });
  }

  /** An answer in XML with that root. Rejects with S3Failure for any other, also where its status is 200. */
  async xml(path: string, send: Send, root: string): Promise<XmlElement> {
    const { text } = await this.ask(path, send);
    const reply = new XmlReply(text).root(root);
    if (reply !== undefined) return reply;
    throw await refusal(`${this.label}: ${send.method} ${path} answers no ${root}`, 200, text);
  }

  /** Any 2xx, read whole. */
  async ask(path: string, send: Send): Promise<{ headers: Readonly<Record<string, string>>; text: string }> {
    const answer = await this.#send(path, send);
    if (answer.status < 200 || answer.status > 299) throw await this.#refused(answer, send.method, path);
    return { headers: answer.headers, text: await this.#http.text(answer, replyBytesMax) };
  }

  async #send(path: string, send: Send): Promise<HttpAnswer> {
    const { key, region = defaultRegion, signal, silenceMs } = this.#options;
    const { authority } = this.#http.endpoint;
    const request = await signed({ silenceMs, ...send, path, signal }, { authority, key, region });
    return this.#http.send(request);
  }

  async #refused(answer: HttpAnswer, method: string, path: string): Promise<S3Failure> {
    const body = await this.#http.text(answer, replyBytesMax);
    return refusal(`${this.label}: ${method} ${decodeURIComponent(path)}`, answer.status, body);
  }

  /** Undefined for a server that says that the object or the bucket is not there. */
  async #unlessMissing<T>(asking: Promise<T>): Promise<T | undefined> {
    try {
      return await asking;
    } catch (error) {
      if (error instanceof S3Failure && error.status === 404) return undefined;
      throw error;
    }
  }
}

const versionQuery = (versionId: string | undefined): Pick<Send, 'query'> =>
  versionId === undefined ? {} : { query: { versionId } };
