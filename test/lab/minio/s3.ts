/**
 * S3 as the tests speak it: every request signed by hand and sent once, so that what a server answered is what is seen.
 * It shares nothing with Belay's own client, which it is used to check. Bodies are whole, in memory.
 * Source of the signature: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash, createHmac } from 'node:crypto';
import { exchange, type Answer } from './exchange.ts';

export interface KeyPair {
  readonly accessKey: string;
  readonly secretKey: string;
}

export interface S3Request {
  readonly method?: string;
  /** Decoded: `/bucket/a key`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly timeoutMs?: number;
}

export interface ListedObject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly etag: string;
}

const sha256 = (data: Uint8Array | string) => createHash('sha256').update(data).digest('hex');
const hmac = (key: Uint8Array | string, data: string) => createHmac('sha256', key).update(data).digest();
const encode = (text: string) =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** The S3 code in an error's body (`SlowDownWrite`), or the status. */
export function s3Code({ status, body }: Answer): string {
  return /<Code>(\w+)<\/Code>/.exec(body.toString('utf8'))?.[1] ?? String(status);
}

/** An answer that was not 2xx. `code` is the server's: NoSuchKey, SlowDownWrite, … */
export class S3Refusal extends Error {
  override readonly name = 'S3Refusal';
  readonly code: string;
  readonly status: number;

  constructor(what: string, answer: Answer) {
    super(`${what}: ${answer.status} ${s3Code(answer)}`);
    this.code = s3Code(answer);
    this.status = answer.status;
  }
}

export class S3 {
  readonly url: string;
  readonly #keys: KeyPair;
  readonly #ca: string | undefined;

  /** `ca` is PEM; leave it out for plain HTTP. */
  constructor(url: string, keys: KeyPair, ca?: string) {
    this.url = url;
    this.#keys = keys;
    this.#ca = ca;
  }

  /** Any status is an answer; rejects when none came. Also for MinIO's admin API: `/minio/admin/v3/…`. */
  request({ method = 'GET', path, query = {}, headers = {}, body, timeoutMs }: S3Request): Promise<Answer> {
    const url = new URL(path.split('/').map(encode).join('/'), this.url);
    const search = Object.entries(query)
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .toSorted()
      .join('&');
    url.search = search;
    return exchange({
      url,
      method,
      headers: this.#sign(method, url, search, headers, body ?? Buffer.alloc(0)),
      ...(body === undefined ? {} : { body }),
      ...(this.#ca === undefined ? {} : { ca: this.#ca }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
  }

  /** Already being there is fine. */
  async createBucket(bucket: string): Promise<void> {
    const answer = await this.request({ method: 'PUT', path: `/${bucket}` });
    if (answer.status >= 300 && s3Code(answer) !== 'BucketAlreadyOwnedByYou')
      throw new S3Refusal(`PUT /${bucket}`, answer);
  }

  async put(bucket: string, key: string, body: Uint8Array | string): Promise<void> {
    await this.#accepted({ method: 'PUT', path: `/${bucket}/${key}`, body: Buffer.from(body) });
  }

  async get(bucket: string, key: string): Promise<Buffer> {
    return (await this.#accepted({ path: `/${bucket}/${key}` })).body;
  }

  async delete(bucket: string, key: string): Promise<void> {
    await this.#accepted({ method: 'DELETE', path: `/${bucket}/${key}` });
  }

  /** All pages of a bucket, in key order. */
  async list(bucket: string): Promise<readonly ListedObject[]> {
    const objects: ListedObject[] = [];
    let token: string | undefined;
    do {
      const query = { 'list-type': '2', ...(token === undefined ? {} : { 'continuation-token': token }) };
      const page = (await this.#accepted({ path: `/${bucket}`, query })).body.toString('utf8');
      for (const [, entry = ''] of page.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
        const field = (name: string) => new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(entry)?.[1] ?? '';
        objects.push({
          key: unescape(field('Key')),
          sizeBytes: Number(field('Size')),
          etag: unescape(field('ETag')).replaceAll('"', ''),
        });
      }
      token = /<NextContinuationToken>(.*?)</.exec(page)?.[1];
    } while (token !== undefined);
    return objects;
  }

  async #accepted(request: S3Request): Promise<Answer> {
    const answer = await this.request(request);
    if (answer.status >= 300)
      throw new S3Refusal(`${request.method ?? 'GET'} ${request.path} at ${this.url}`, answer);
    return answer;
  }

  #sign(
    method: string,
    url: URL,
    search: string,
    extra: Readonly<Record<string, string>>,
    body: Uint8Array,
  ): Record<string, string> {
    const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const scope = `${time.slice(0, 8)}/us-east-1/s3/aws4_request`;
    const headers: Record<string, string> = {
      ...Object.fromEntries(Object.entries(extra).map(([name, value]) => [name.toLowerCase(), value])),
      host: url.host,
      'x-amz-content-sha256': sha256(body),
      'x-amz-date': time,
    };
    const names = Object.keys(headers).toSorted();
    const lines = names.map((name) => `${name}:${headers[name]?.trim()}\n`).join('');
    const canonical = [method, url.pathname, search, lines, names.join(';'), sha256(body)].join('\n');
    const key = scope
      .split('/')
      .reduce<Uint8Array | string>((parent, part) => hmac(parent, part), `AWS4${this.#keys.secretKey}`);
    const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')).toString(
      'hex',
    );
    return {
      ...headers,
      'content-length': String(body.byteLength),
      authorization: `AWS4-HMAC-SHA256 Credential=${this.#keys.accessKey}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
    };
  }
}

function unescape(text: string): string {
  const characters: Readonly<Record<string, string>> = {
    lt: '<',
    gt: '>',
    quot: '"',
    apos: "'",
    amp: '&',
    '#34': '"',
    '#39': "'",
  };
  return text.replaceAll(/&(#?\w+);/g, (whole, name: string) => characters[name] ?? whole);
}
