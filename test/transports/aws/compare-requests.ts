/** Two requests in one form, so that what differs means something: the order of members, headers and form fields does not. */
import { parseXML } from '@aws-sdk/xml-builder';
import { HttpRequest } from '@smithy/core/protocols';
import { fromBase64, fromUtf8, toBase64, toUtf8 } from '@smithy/core/serde';
import type { StaticOperationSchema } from '@smithy/types';
import { encodeParams } from '../../../src/transports/aws/encode.ts';
import type { JsonObject } from '../../../src/json.ts';
import type { Protocol, ServiceModel } from '../../../src/transports/aws/model-format.ts';
import { protocolOf } from '../../../src/transports/aws/protocol-of.ts';
import { createSchemas } from '../../../src/transports/aws/schemas.ts';
import { operation as operationSchema } from '@smithy/core/schema';
import type { OracleRequest } from './botocore-oracle.ts';

export interface PlainRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, readonly string[]>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly hostPrefix: string;
}

const HOST = 'service.example.com';

/** What Belay's protocols write, before it is signed. */
export async function requestOfBelay(
  model: ServiceModel,
  operation: string,
  params: JsonObject,
): Promise<PlainRequest> {
  const protocol = protocolOf(model);
  protocol.setSerdeContext(serdeContext);
  const [, namespace, name, traits, input, output]: StaticOperationSchema = createSchemas(model, {
    hostPrefix: true,
  }).operation(operation);
  const encoded = encodeParams(model, model.operations[operation]?.input, params);
  const endpoint = async () => ({ protocol: 'https:', hostname: HOST, path: '/', query: {} });
  const request = await protocol.serializeRequest(
    operationSchema(namespace, name, traits, input, output),
    encoded,
    { endpoint, __smithy_context: { service: model.metadata.targetPrefix, operation } } as never,
  );
  if (!HttpRequest.isInstance(request)) throw new Error('no HTTP request');
  const query: Record<string, string[]> = {};
  for (const [key, value] of Object.entries(request.query ?? {})) query[key] = [value ?? ''].flat();
  return {
    method: request.method,
    path: request.path,
    query,
    headers: meaningful(request.headers),
    body: bodyOf(model.metadata.protocol, Buffer.from(bytesOf(request.body))),
    hostPrefix: request.hostname.slice(0, -HOST.length),
  };
}

export function requestOfBotocore(protocol: Protocol, asked: OracleRequest): PlainRequest {
  const [path = '', search = ''] = asked.path.split('?');
  const query: Record<string, string[]> = {};
  for (const [key, value] of new URLSearchParams(search)) (query[key] ??= []).push(value);
  for (const [key, values] of Object.entries(asked.query)) query[key] = values.map(textOf);
  const { form } = asked;
  return {
    method: asked.method,
    path,
    query,
    headers: meaningful(asked.headers),
    body:
      form === null
        ? bodyOf(protocol, Buffer.from(asked.body, 'base64'))
        : Object.fromEntries(Object.entries(form).map(([key, value]) => [key, textOf(value)])),
    hostPrefix: asked.hostPrefix ?? '',
  };
}

function textOf(value: unknown): string {
  return String(value);
}

/** The SDK writes the length and the type of every body; botocore leaves the second out where a service assumes it. */
function meaningful(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(headers).filter(
    ([name]) => !['content-length', 'content-type', 'accept', 'smithy-protocol'].includes(name.toLowerCase()),
  );
  return Object.fromEntries(kept.map(([name, value]) => [name.toLowerCase(), value.replaceAll(', ', ',')]));
}

function bodyOf(protocol: Protocol, bytes: Buffer): unknown {
  const text = bytes.toString('utf8');
  switch (protocol) {
    case 'ec2':
    case 'query':
      return Object.fromEntries(new URLSearchParams(text));
    case 'json':
    case 'rest-json':
      return text === '' ? {} : readOr(text, JSON.parse);
    case 'rest-xml':
      return readOr(text, parseXML);
    case 'smithy-rpc-v2-cbor':
      return bytes.toString('hex');
    default:
      return protocol satisfies never;
  }
}

/** A body that is one text is not of the protocol. */
function readOr(text: string, read: (text: string) => unknown): unknown {
  try {
    return read(text);
  } catch {
    return text;
  }
}

function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  return Buffer.from(typeof body === 'string' ? body : '');
}

/** What the SDK's client gives its protocols. */
export const serdeContext = {
  base64Encoder: toBase64,
  base64Decoder: fromBase64,
  utf8Encoder: toUtf8,
  utf8Decoder: fromUtf8,
  streamCollector: async (body: Uint8Array) => body,
};
