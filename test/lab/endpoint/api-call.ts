/** What a request asks for, whatever protocol it came in: service, operation, parameters, and who calls from which region. */
import type { IncomingHttpHeaders } from 'node:http';
import { isJsonObject, type Json, type JsonObject } from '../../../src/json.ts';

/** One request as it arrived, body read to its end. */
export interface ArrivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Names and values alternating, in the spelling and order of the wire. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

export interface Caller {
  readonly accessKey: string;
  readonly region: string;
}

export interface ApiCall {
  /** `json`: X-Amz-Target; `query`: a form with Action; `cbor`: smithy-rpc-v2; `rest`: everything else (operation is METHOD path). */
  readonly protocol: 'json' | 'query' | 'cbor' | 'rest';
  /** As in the signature's scope: `ec2`, `ssm`, `sns`, `monitoring`, `config`. */
  readonly service: string;
  readonly operation: string;
  /** A form becomes a tree: `Filter.1.Name` stands at `Filter[0].Name`. */
  readonly params: JsonObject;
  readonly caller: Caller;
  /** Whether the operation may change something, judged by its verb. */
  readonly mutating: boolean;
  readonly request: ArrivedRequest;
}

const readingVerb =
  /^(?:describe|get|list|search|lookup|head|options|batchget|query|scan|view|test|select|poll|simulate|assume|filter|receive)/i;
const scope = /Credential=([^/,\s]+)\/\d+\/([\w-]*)\/([\w-]+)\//;
const servicesByTarget: Readonly<Record<string, string>> = {
  AmazonSSM: 'ssm',
  StarlingDoveService: 'config',
  GraniteServiceVersion20100801: 'monitoring',
  secretsmanager: 'secretsmanager',
  Logs_20140328: 'logs',
  DynamoDB_20120810: 'dynamodb',
  TrentService: 'kms',
};

/** Reads a request without ever refusing one: what is not understood is `rest` and goes on to moto. */
export function readCall(request: ArrivedRequest): ApiCall {
  const signed = scope.exec(request.headers.authorization ?? '');
  const caller = { accessKey: signed?.[1] ?? 'anonymous', region: signed?.[2] || 'us-east-1' };
  const type = request.headers['content-type'] ?? '';
  const make = (
    protocol: ApiCall['protocol'],
    service: string,
    operation: string,
    params: JsonObject,
  ): ApiCall => ({
    protocol,
    service,
    operation,
    params,
    caller,
    mutating: !readingVerb.test(operation),
    request,
  });

  const target = request.headers['x-amz-target'];
  if (typeof target === 'string') {
    const [prefix = '', operation = ''] = target.split('.');
    return make('json', servicesByTarget[prefix] ?? signed?.[3] ?? prefix, operation, jsonBody(request.body));
  }
  const rpc = /^\/service\/([^/]+)\/operation\/(\w+)/.exec(request.path);
  if (rpc !== null) {
    return make('cbor', servicesByTarget[rpc[1] ?? ''] ?? signed?.[3] ?? rpc[1] ?? '', rpc[2] ?? '', {});
  }
  if (request.method === 'POST' && type.startsWith('application/x-www-form-urlencoded')) {
    const form = new URLSearchParams(request.body.toString('utf8'));
    const action = form.get('Action');
    if (action !== null) return make('query', signed?.[3] ?? serviceByVersion(form), action, formTree(form));
  }
  return make('rest', signed?.[3] ?? '', `${request.method} ${request.path.split('?')[0]}`, {});
}

function serviceByVersion(form: URLSearchParams): string {
  return form.get('Version') === '2016-11-15' ? 'ec2' : '';
}

function jsonBody(body: Buffer): JsonObject {
  try {
    const value = JSON.parse(body.toString('utf8') || '{}') as Json;
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** Dotted names become a tree; objects whose keys are 1, 2, 3 … become arrays. Action and Version are left out. */
export function formTree(form: URLSearchParams): JsonObject {
  const root = new Map<string, unknown>();
  for (const [name, value] of form) {
    if (name === 'Action' || name === 'Version') continue;
    const path = name.split('.');
    const last = path.pop() ?? name;
    let at = root;
    for (const key of path) {
      const next = at.get(key);
      const inner = next instanceof Map ? (next as Map<string, unknown>) : new Map<string, unknown>();
      at.set(key, inner);
      at = inner;
    }
    at.set(last, value);
  }
  return plain(root) as JsonObject;
}

function plain(value: unknown): Json {
  if (!(value instanceof Map)) return String(value);
  const entries = [...(value as Map<string, unknown>)];
  if (entries.length > 0 && entries.every(([key]) => /^\d+$/.test(key)))
    return entries.sort(([a], [b]) => Number(a) - Number(b)).map(([, inner]) => plain(inner));
  return Object.fromEntries(entries.map(([key, inner]) => [key, plain(inner)]));
}

/** The parameter as text; undefined when absent or not a scalar. */
export function textParam(params: JsonObject, name: string): string | undefined {
  const value = params[name];
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}

export function listParam(params: JsonObject, name: string): string[] {
  const value = params[name];
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : [];
}

export function objectsParam(params: JsonObject, name: string): JsonObject[] {
  const value = params[name];
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

export function objectParam(params: JsonObject, name: string): JsonObject {
  const value = params[name];
  return isJsonObject(value) ? value : {};
}
