/** A reply as the SDK gives it → JSON as boto3 users know it: ISO strings, base64, ResponseMetadata, secrets masked. */
import { NumericValue } from '@smithy/core/serde';
import type { Json, JsonObject } from '../aws.ts';
import { own } from '../../json.ts';
import { isBearer } from './bearer-members.ts';
import { decodeScalar, decodeUnknownScalar } from './decode-scalar.ts';
import type { Member, ServiceModel, Shape } from './model-format.ts';

export const MASK = '***';

export interface DecodeOptions {
  /** Give members that the model marks sensitive as they are. */
  readonly reveal: boolean;
  /** Where the protocol puts the id into the body, the SDK does not report it. */
  readonly requestId: string | undefined;
}

export function decodeReply(
  model: ServiceModel,
  output: string | undefined,
  reply: SdkReply,
  { reveal, requestId }: DecodeOptions,
): JsonObject {
  const decode = (shapeName: string | undefined, value: unknown): Json => {
    const shape = shapeOf(shapeName);
    if (shape === undefined) return decodeUnknown(value);
    if (shape.sensitive === true && !reveal) return MASK;
    switch (shape.type) {
      case 'structure':
      case 'map':
        if (shape.type === 'structure' && shape.document === true) return decodeUnknown(value);
        if (!isPlainObject(value)) throw new Error(`the reply has no ${shape.type} where its model has one`);
        return decodeObject(shapeName, value);
      case 'list':
        if (!Array.isArray(value)) throw new Error('the reply has no list where its model has one');
        return value.map((entry: unknown) =>
          entry === null || entry === undefined ? null : decode(shape.member.shape, entry),
        );
      default:
        return decodeScalar(shape.type, value);
    }
  };

  /** `__proto__` as a key of the world's is one like any other. */
  const decodeObject = (shapeName: string | undefined, object: object): JsonObject => {
    const shape = shapeOf(shapeName);
    const present = Object.entries(object).filter(([, entry]) => entry !== undefined && entry !== null);
    return Object.fromEntries(
      present.map(([key, entry]) => [
        key,
        shape?.type === 'structure'
          ? decodeMember(shapeName ?? '', key, own(shape.members, key), entry)
          : decode(shape?.type === 'map' ? shape.value.shape : undefined, entry),
      ]),
    );
  };

  const decodeMember = (owner: string, name: string, member: Member | undefined, value: unknown): Json => {
    if (!reveal && typeof value === 'string' && isBearer(model.service, owner, name)) return MASK;
    if (member?.jsonvalue === true && member.location === 'header' && typeof value === 'string')
      return jsonOf(value);
    return decode(member?.shape, value);
  };

  const shapeOf = (name: string | undefined): Shape | undefined =>
    name === undefined ? undefined : own(model.shapes, name);

  /** As boto3 has it: a body that is one member is there, also when it is empty. */
  const emptyPayload = (): JsonObject => {
    const shape = shapeOf(output);
    if (shape?.type !== 'structure' || shape.payload === undefined) return {};
    const type = shapeOf(own(shape.members, shape.payload)?.shape)?.type;
    return { [shape.payload]: type === 'blob' || type === 'string' ? '' : {} };
  };

  const { $metadata, ...members } = reply;
  const identifier = $metadata?.requestId ?? requestId;
  return {
    ...emptyPayload(),
    ...decodeObject(output, members),
    ResponseMetadata: {
      ...(identifier !== undefined && { RequestId: identifier }),
      HTTPStatusCode: $metadata?.httpStatusCode ?? 200,
    },
  };
}

export interface SdkReply {
  readonly $metadata?: {
    readonly httpStatusCode?: number | undefined;
    readonly requestId?: string | undefined;
  };
}

/** Query protocols give the id as an element of the body. */
export function requestIdIn(body: Buffer | undefined): string | undefined {
  return /<requestId>([^<]{1,128})<\/requestId>/i.exec(body?.toString('utf8') ?? '')?.[1];
}

function decodeUnknown(value: unknown): Json {
  if (Array.isArray(value)) return value.map(decodeUnknown);
  if (!isPlainObject(value)) return decodeUnknownScalar(value);
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, decodeUnknown(entry)]));
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return !(value instanceof Date || value instanceof Uint8Array || value instanceof NumericValue);
}

/** JSON that travelled in a header in base64; what is none stays as it is. */
function jsonOf(text: string): Json {
  try {
    const value: Json = JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
    return value;
  } catch {
    return text;
  }
}
