/** MinIO's admin API through one node: signed requests with plain JSON answers, read into exact types. */
import type { JsonObject } from '../../json.ts';
import { refusal } from '../../transports/s3/failure.ts';
import type { HttpRequest } from '../../transports/http/client.ts';
import { silenceMs, type KeyInputs, type Node } from './cluster.ts';

const prefix = '/minio/admin/v3';
const replyBytesMax = 64 * 1024 * 1024;

export type Question = Pick<HttpRequest, 'method' | 'path' | 'query' | 'body'>;

/** Any 2xx. Rejects with S3Failure, HttpFailure, HostFailure. */
export async function askAdmin(
  node: Node,
  key: KeyInputs,
  question: Question,
  signal: AbortSignal,
): Promise<string> {
  return (await askAdminBytes(node, key, question, signal)).toString('utf8');
}

/** As `askAdmin`, for an answer that is encrypted. */
export async function askAdminBytes(
  { http }: Node,
  key: KeyInputs,
  question: Question,
  signal: AbortSignal,
): Promise<Buffer> {
  const { defaultRegion, signed } = await import('../../transports/http/sign.ts');
  const request = { ...question, path: `${prefix}${question.path}`, silenceMs, signal };
  const answer = await http.send(
    await signed(request, {
      authority: http.endpoint.authority,
      key: { accessKeyId: key.AccessKey, secretAccessKey: key.SecretKey },
      region: defaultRegion,
    }),
  );
  const body = await http.bytes(answer, replyBytesMax);
  if (answer.status >= 200 && answer.status <= 299) return body;
  const what = `${http.endpoint.label}: ${request.method} ${request.path}`;
  throw await refusal(what, answer.status, body.toString('utf8'));
}

export interface Drive {
  readonly endpoint: string;
  /** `ok`, `offline`, `unformatted`, `corrupt`, … A drive that is not formatted counts as online for MinIO itself. */
  readonly state: string;
  readonly healing: boolean;
}

export interface Server {
  /** As MinIO names it: `minio01.lab:9000`. */
  readonly endpoint: string;
  /** `online`, `offline`, `initializing`. */
  readonly state: string;
  /** Empty for a server that is not online. */
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly drives: readonly Drive[];
}

export interface AdminAnswer {
  readonly servers: readonly Server[];
  readonly deploymentId: string;
}

/** What the node knows of all servers. */
export async function serversOf(node: Node, key: KeyInputs, signal: AbortSignal): Promise<AdminAnswer> {
  const text = await askAdmin(node, key, { method: 'GET', path: '/info' }, signal);
  const answer = objectIn(JSON.parse(text));
  return {
    deploymentId: textIn(answer, 'deploymentID'),
    servers: objectsIn(answer, 'servers').map((server) => ({
      endpoint: textIn(server, 'endpoint'),
      state: textIn(server, 'state'),
      version: textIn(server, 'version'),
      uptimeSeconds: numberIn(server, 'uptime'),
      drives: objectsIn(server, 'drives').map((drive) => ({
        endpoint: textIn(drive, 'endpoint') || textIn(drive, 'path'),
        state: textIn(drive, 'state'),
        healing: drive['healing'] === true,
      })),
    })),
  };
}

/** A drive, and where it belongs. */
export interface ClusterDrive extends Drive {
  /** As its format.json has it; empty for one that is out. */
  readonly id: string;
  /** On its host. */
  readonly path: string;
  /** `POOL/SET`, both from 0. */
  readonly set: string;
  /** In bytes, and in files that still fit; 0: not told. */
  readonly totalBytes: number;
  readonly freeBytes: number;
  readonly freeInodes: number;
  readonly usedInodes: number;
}

/** Of each erasure set how many drives it has, and how many of them may be away while an object can be read. */
export interface ClusterDrives {
  readonly drives: readonly ClusterDrive[];
  readonly sets: ReadonlyMap<string, { readonly drives: number; readonly parity: number }>;
}

/** All drives, as one node knows them. */
export async function clusterDrives(node: Node, key: KeyInputs, signal: AbortSignal): Promise<ClusterDrives> {
  const answer = objectIn(JSON.parse(await askAdmin(node, key, { method: 'GET', path: '/info' }, signal)));
  const drives = objectsIn(answer, 'servers')
    .flatMap((server) => objectsIn(server, 'drives'))
    .map((drive) => ({
      id: textIn(drive, 'uuid'),
      endpoint: textIn(drive, 'endpoint') || textIn(drive, 'path'),
      path: textIn(drive, 'path') || pathIn(textIn(drive, 'endpoint')),
      state: textIn(drive, 'state'),
      healing: drive['healing'] === true,
      set: `${numberIn(drive, 'pool_index')}/${numberIn(drive, 'set_index')}`,
      totalBytes: numberIn(drive, 'totalspace'),
      freeBytes: numberIn(drive, 'availspace'),
      freeInodes: numberIn(drive, 'free_inodes'),
      usedInodes: numberIn(drive, 'used_inodes'),
    }));
  const backend = objectIn(answer['backend']);
  const parity = numberIn(backend, 'standardSCParity');
  const perSet = Array.isArray(backend['totalDrivesPerSet']) ? backend['totalDrivesPerSet'] : [];
  const names = [...new Set(drives.map(({ set }) => set))];
  const sizeOf = (set: string): number => {
    const size = perSet[Number(set.split('/')[0])];
    return typeof size === 'number' ? size : drives.filter((drive) => drive.set === set).length;
  };
  return { drives, sets: new Map(names.map((set) => [set, { drives: sizeOf(set), parity }])) };
}

const pathIn = (endpoint: string): string => endpoint.replace(/^https?:\/\/[^/]+/, '');

/** Members of JSON that somebody else wrote; what is missing or of another type is empty. */
export function objectIn(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

export function objectsIn(object: JsonObject, name: string): JsonObject[] {
  const value: unknown = object[name];
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function textIn(object: JsonObject, name: string): string {
  const value = object[name];
  return typeof value === 'string' ? value : '';
}

export function numberIn(object: JsonObject, name: string): number {
  const value = object[name];
  return typeof value === 'number' ? value : 0;
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
