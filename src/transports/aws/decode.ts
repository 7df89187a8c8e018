/** A reply as the SDK gives it → JSON as boto3 users know it: ISO strings, base64, ResponseMetadata, secrets masked. */
import type { Json, JsonObject } from '../aws.ts';
import type { ServiceModel, Shape } from './model-format.ts';

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
    const shape = shapeName === undefined ? undefined : model.shapes[shapeName];
    if (shape?.sensitive === true && !reveal) return MASK;
    if (value instanceof Date) return isoOf(value);
    if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
    if (Array.isArray(value)) {
      const item = shape?.type === 'list' ? shape.member.shape : undefined;
      return value.map((entry: unknown) => decode(item, entry));
    }
    return typeof value === 'object' && value !== null ? decodeObject(shape, value) : scalarOf(value);
  };

  const decodeObject = (shape: Shape | undefined, object: object): JsonObject => {
    const members = shape?.type === 'structure' ? shape.members : {};
    const each = shape?.type === 'map' ? shape.value.shape : undefined;
    const decoded: Record<string, Json> = {};
    for (const [key, entry] of Object.entries(object)) {
      if (entry !== undefined && entry !== null) decoded[key] = decode(each ?? members[key]?.shape, entry);
    }
    return decoded;
  };

  const { $metadata, ...members } = reply;
  const identifier = $metadata?.requestId ?? requestId;
  return {
    ...decodeObject(output === undefined ? undefined : model.shapes[output], members),
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

/** Milliseconds only where there are some, as AWS prints times. */
function isoOf(date: Date): string {
  return date.toISOString().replace('.000Z', 'Z');
}

/** JSON has no NaN. A whole number that a number cannot hold is given by its digits, so that none is lost. */
function scalarOf(value: unknown): Json {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'bigint') return null;
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}
