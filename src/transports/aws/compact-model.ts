/** Reduces one botocore service model to the format of models/. Pure; refuses what Belay's client could not speak. */
import type { BotocoreMember, BotocoreModel, BotocorePaginators, BotocoreShape } from './botocore-format.ts';
import { compactOperation, refusalOf } from './compact-operation.ts';
import type {
  EndpointRules,
  Location,
  Member,
  OperationModel,
  Protocol,
  ServiceMetadata,
  ServiceModel,
  Shape,
  SimpleType,
  TimestampFormat,
} from './model-format.ts';

/** A model that cannot be shipped, with the reason. */
export class ModelRefused extends Error {
  override readonly name = 'ModelRefused';
}

/** In order of preference. Where a service speaks several, json is what every stand-in for AWS speaks too; CBOR is not. */
const PROTOCOLS: readonly Protocol[] = [
  'json',
  'rest-json',
  'rest-xml',
  'query',
  'ec2',
  'smithy-rpc-v2-cbor',
];
const SIMPLE_TYPES: readonly SimpleType[] = [
  'string',
  'boolean',
  'integer',
  'long',
  'float',
  'double',
  'timestamp',
  'blob',
];
const TIMESTAMP_FORMATS: readonly TimestampFormat[] = ['iso8601', 'rfc822', 'unixTimestamp'];
const LOCATIONS: readonly Location[] = ['uri', 'querystring', 'header', 'headers', 'statusCode'];

export interface ModelSource {
  readonly service: string;
  readonly botocore: string;
  readonly model: BotocoreModel;
  readonly endpointRules: EndpointRules;
  readonly paginators: BotocorePaginators;
}

export function compactModel({
  service,
  botocore,
  model,
  endpointRules,
  paginators,
}: ModelSource): ServiceModel {
  const metadata = compactMetadata(service, model);
  const shapes: Record<string, Shape> = {};
  const pending: string[] = [];
  const tokenShapes = new Set<string>();

  const compactMember = (member: BotocoreMember, isStructureMember = true): Member => {
    pending.push(member.shape);
    if (member.idempotencyToken === true) tokenShapes.add(member.shape);
    const locationName = wireName(model, member);
    const location = known(LOCATIONS, member.location, `${service}: the location`);
    return {
      shape: member.shape,
      ...(location !== undefined && { location }),
      ...(locationName !== undefined && { locationName }),
      ...(member.queryName !== undefined && { queryName: member.queryName }),
      ...(isStructureMember && member.idempotencyToken === true && { idempotencyToken: true as const }),
      ...timestampFormat(service, member),
      ...(member.flattened === true && { flattened: true as const }),
      ...(member.xmlAttribute === true && { xmlAttribute: true as const }),
      ...(member.xmlNamespace !== undefined && { xmlNamespace: member.xmlNamespace }),
      ...(member.hostLabel === true && { hostLabel: true as const }),
      ...(member.contextParam !== undefined && { contextParam: member.contextParam.name }),
      ...(member.jsonvalue === true && { jsonvalue: true as const }),
    };
  };

  const compactShape = (name: string, shape: BotocoreShape): Shape => {
    const traits = { ...(shape.sensitive === true && { sensitive: true as const }) };
    const collection = {
      ...traits,
      ...(shape.flattened === true && { flattened: true as const }),
      ...(shape.sparse === true && { sparse: true as const }),
    };
    if (shape.type === 'structure') {
      const members: Record<string, Member> = {};
      for (const [key, member] of Object.entries(shape.members ?? {})) {
        if (!isReplaced(model, shape, key, member)) members[key] = compactMember(member);
      }
      return {
        type: 'structure',
        ...traits,
        ...(shape.required !== undefined && shape.required.length > 0 && { required: shape.required }),
        ...(shape.union === true && { union: true as const }),
        ...(shape.document === true && { document: true as const }),
        ...(shape.payload !== undefined && { payload: shape.payload }),
        ...(shape.xmlNamespace !== undefined && { xmlNamespace: shape.xmlNamespace }),
        members,
      };
    }
    if (shape.type === 'list' && shape.member !== undefined) {
      return { type: 'list', ...collection, member: compactMember(shape.member, false) };
    }
    if (shape.type === 'map' && shape.key !== undefined && shape.value !== undefined) {
      const [key, value] = [compactMember(shape.key, false), compactMember(shape.value, false)];
      return { type: 'map', ...collection, key, value };
    }
    const type = known(SIMPLE_TYPES, shape.type, `${service}: the type of ${name}`);
    if (type === undefined) throw new ModelRefused(`${service}: ${name} has no type`);
    return {
      type,
      ...traits,
      ...(shape.enum !== undefined && { enum: shape.enum }),
      ...timestampFormat(service, shape),
      ...(tokenShapes.has(name) && shape.min !== undefined && { min: shape.min }),
      ...(tokenShapes.has(name) && shape.max !== undefined && { max: shape.max }),
    };
  };

  const operations: Record<string, OperationModel> = {};
  for (const [name, operation] of Object.entries(model.operations)) {
    const refused = refusalOf(model, endpointRules, operation);
    if (refused === undefined) {
      for (const end of [operation.input, operation.output]) if (end !== undefined) pending.push(end.shape);
      const compact = compactOperation({ service, metadata, model, name, operation, paginators });
      if (compact instanceof Error) throw new ModelRefused(compact.message);
      operations[name] = compact;
    } else operations[name] = { refused };
  }
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const shape = model.shapes[name];
    if (shape === undefined) throw new ModelRefused(`${service}: the shape ${name} is missing`);
    // A shape may be reached first as an ordinary member and later as an idempotency token.
    const seen = shapes[name];
    if (seen === undefined || (tokenShapes.has(name) && !('max' in seen)))
      shapes[name] = compactShape(name, shape);
  }
  const sorted = Object.entries(shapes).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    service,
    botocore,
    metadata,
    endpointRules: withoutDescriptions(endpointRules),
    operations,
    shapes: Object.fromEntries(sorted),
  };
}

function wireName({ shapes }: BotocoreModel, member: BotocoreMember): string | undefined {
  return member.locationName ?? shapes[member.shape]?.locationName;
}

/** A deprecated member under the name that another one has on the wire: `Event` of S3 beside `Events`. */
function isReplaced(
  model: BotocoreModel,
  { members = {} }: BotocoreShape,
  key: string,
  member: BotocoreMember,
): boolean {
  if (member.deprecated !== true || member.location !== undefined) return false;
  const name = wireName(model, member) ?? key;
  return Object.entries(members).some(
    ([other, { location, ...rest }]) =>
      other !== key && location === undefined && (wireName(model, rest) ?? other) === name,
  );
}

/** Parameters and rules carry descriptions at every depth. */
function withoutDescriptions(rules: EndpointRules): EndpointRules {
  const {
    version,
    parameters,
    rules: tree,
  }: EndpointRules = JSON.parse(
    JSON.stringify(rules, (key, value: unknown) => (key === 'documentation' ? undefined : value)),
  );
  return { version, parameters, rules: tree };
}

function compactMetadata(service: string, { metadata }: BotocoreModel): ServiceMetadata {
  const spoken = metadata.protocols ?? [metadata.protocol];
  const protocol = PROTOCOLS.find((candidate) => spoken.includes(candidate));
  if (protocol === undefined) {
    throw new ModelRefused(
      `${service} speaks ${spoken.join(', ')}; Belay's client speaks ${PROTOCOLS.join(', ')}`,
    );
  }
  const { targetPrefix, jsonVersion, xmlNamespace } = metadata;
  const isXml = protocol === 'ec2' || protocol === 'query' || protocol === 'rest-xml';
  const isTargeted = protocol === 'json' || protocol === 'smithy-rpc-v2-cbor';
  return {
    apiVersion: metadata.apiVersion,
    protocol,
    serviceId: metadata.serviceId,
    signingName: metadata.signingName ?? metadata.endpointPrefix,
    ...(isTargeted && targetPrefix !== undefined && { targetPrefix }),
    ...(protocol === 'json' && jsonVersion !== undefined && { jsonVersion }),
    ...(isXml && xmlNamespace !== undefined && { xmlNamespace }),
    ...(protocol === 'json' &&
      metadata.awsQueryCompatible !== undefined && { awsQueryCompatible: true as const }),
  };
}

function timestampFormat(
  service: string,
  { timestampFormat: written }: { readonly timestampFormat?: string },
): { timestampFormat?: TimestampFormat } {
  const format = known(TIMESTAMP_FORMATS, written, `${service}: the timestamp format`);
  return format === undefined ? {} : { timestampFormat: format };
}

/** The word among those that the client knows. A model with any other one is not shipped. */
function known<Word extends string>(
  words: readonly Word[],
  written: string | undefined,
  what: string,
): Word | undefined {
  if (written === undefined) return undefined;
  const found = words.find((word) => word === written);
  if (found === undefined) throw new ModelRefused(`${what} ${written} is unknown`);
  return found;
}
