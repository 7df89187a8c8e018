/**
 * Who uses an access key: MinIO's own trace of S3 requests, of all nodes through one, for as long as is asked. Only who
 * signed is read of a request: its access key, its address and its kind; no signature and no body is kept.
 * Source: minio/minio cmd/http-tracer.go, minio/madmin-go service-commands.go.
 */
import type { JsonObject } from '../../json.ts';
import { refusal } from '../../transports/s3/failure.ts';
import { objectIn, textIn } from './admin.ts';
import type { KeyInputs, Node } from './cluster.ts';

/** The server sends a sign of life each second. */
const silenceMs = 15_000;
const lineBytesMax = 1024 * 1024;
/** How many different users are told apart. */
const usersMax = 1_000;

export interface KeyUse {
  /** `10.0.0.7 (s3.GetObject, MinIO (linux; amd64) …)`. */
  readonly by: string;
  readonly requests: number;
}

export interface Watched {
  /** All requests that were signed, by whichever key: without any, a silent trace could not be told from a quiet cluster. */
  readonly signed: number;
  readonly uses: readonly KeyUse[];
}

/** Ends after `ms`. Rejects with S3Failure, HttpFailure, HostFailure; also where the trace ends before its time. */
export async function watchKey(
  { http }: Node,
  key: KeyInputs,
  { accessKey, ms, signal, onUse }: WatchOptions,
): Promise<Watched> {
  const { defaultRegion, signed } = await import('../../transports/http/sign.ts');
  const over = AbortSignal.timeout(ms);
  const uses = new Map<string, number>();
  let all = 0;
  const request = {
    method: 'GET',
    path: '/minio/admin/v3/trace',
    query: { s3: 'true', threshold: '0s', err: 'false' },
    silenceMs,
    signal: AbortSignal.any([signal, over]),
  } as const;
  const answer = await http.send(
    await signed(request, {
      authority: http.endpoint.authority,
      key: { accessKeyId: key.AccessKey, secretAccessKey: key.SecretKey },
      region: defaultRegion,
    }),
  );
  if (answer.status !== 200)
    throw await refusal(
      `${http.endpoint.label}: GET ${request.path}`,
      answer.status,
      await http.text(answer, lineBytesMax),
    );
  try {
    for await (const line of linesOf(answer.body)) {
      const used = keyIn(line);
      if (used === undefined) continue;
      all += 1;
      if (used !== accessKey) continue;
      const by = userIn(line);
      if (uses.has(by) || uses.size < usersMax) uses.set(by, (uses.get(by) ?? 0) + 1);
      onUse?.(by);
    }
  } catch (error) {
    if (!over.aborted || signal.aborted) throw error;
  }
  return { signed: all, uses: [...uses].map(([by, requests]) => ({ by, requests })) };
}

export interface WatchOptions {
  readonly accessKey: string;
  readonly ms: number;
  readonly signal: AbortSignal;
  readonly onUse?: (by: string) => void;
}

async function* linesOf(body: AsyncIterable<Uint8Array | string>): AsyncGenerator<JsonObject> {
  let rest = '';
  for await (const chunk of body) {
    rest += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > lineBytesMax) rest = '';
    for (const line of lines) if (line.trim() !== '') yield parsed(line);
  }
}

function parsed(line: string): JsonObject {
  try {
    return objectIn(JSON.parse(line));
  } catch {
    return {};
  }
}

/** Of the request's signature, in a header or in its query; undefined: it has none. */
export function keyIn(line: JsonObject): string | undefined {
  const request = objectIn(objectIn(line['http'])['request']);
  const authorization = headerIn(request, 'Authorization');
  const inHeader =
    /Credential=([^/,\s]+)\//.exec(authorization)?.[1] ?? /^AWS ([^:\s]+):/.exec(authorization)?.[1];
  if (inHeader !== undefined) return inHeader;
  const query = new URLSearchParams(textIn(request, 'rawquery'));
  return query.get('X-Amz-Credential')?.split('/')[0] ?? query.get('AWSAccessKeyId') ?? undefined;
}

function userIn(line: JsonObject): string {
  const request = objectIn(objectIn(line['http'])['request']);
  const program = headerIn(request, 'User-Agent')
    .replaceAll(/\p{Cc}/gu, '')
    .slice(0, 60);
  const what = [textIn(line, 'funcname'), program].filter((text) => text !== '').join(', ');
  return `${textIn(request, 'client') || 'an unknown address'} (${what})`;
}

function headerIn(request: JsonObject, name: string): string {
  const value = objectIn(request['headers'])[name];
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' ? first : '';
}
