/** Reduces one botocore service model to the format of models/. Pure; refuses what Belay's client could not speak. */
import type {
  EndpointRules,
  Member,
  OperationModel,
  Protocol,
  ServiceMetadata,
  ServiceModel,
  Shape,
  TimestampFormat,
} from './model-format.ts';

/** A model that cannot be shipped, with the reason. */
export class ModelRefused extends Error {
  override readonly name = 'ModelRefused';
}

/** The parts of botocore's service-2.json that are read here. */
export interface BotocoreModel {
  readonly metadata: {
    readonly apiVersion: string;
    readonly endpointPrefix: string;
    readonly protocol: string;
    readonly protocols?: readonly string[];
    readonly serviceId: string;
    readonly signingName?: string;
    readonly targetPrefix?: string;
    readonly jsonVersion?: string;
    readonly xmlNamespace?: string;
    readonly awsQueryCompatible?: object;
  };
  readonly operations: Readonly<Record<string, BotocoreOperation>>;
  readonly shapes: Readonly<Record<string, BotocoreShape>>;
}

interface BotocoreOperation {
  readonly input?: { readonly shape: string };
  readonly output?: { readonly shape: string; readonly resultWrapper?: string };
}

interface BotocoreMember {
  readonly shape: string;
  readonly locationName?: string;
  readonly queryName?: string;
  readonly idempotencyToken?: boolean;
  readonly timestampFormat?: string;
}

interface BotocoreShape {
  readonly type: string;
  readonly members?: Readonly<Record<string, BotocoreMember>>;
  readonly required?: readonly string[];
  readonly member?: BotocoreMember;
  readonly key?: BotocoreMember;
  readonly value?: BotocoreMember;
  readonly enum?: readonly string[];
  readonly sensitive?: boolean;
  readonly union?: boolean;
  readonly document?: boolean;
  readonly flattened?: boolean;
  readonly streaming?: boolean;
  readonly eventstream?: boolean;
  readonly timestampFormat?: string;
  readonly min?: number;
  readonly max?: number;
}

/** In order of preference. Where a service speaks several, json is what every stand-in for AWS speaks too; CBOR is not. */
const PROTOCOLS: readonly Protocol[] = ['json', 'query', 'ec2'];
const SIMPLE_TYPES = [
  'string',
  'boolean',
  'integer',
  'long',
  'float',
  'double',
  'timestamp',
  'blob',
] as const;
const TIMESTAMP_FORMATS: readonly TimestampFormat[] = ['iso8601', 'rfc822', 'unixTimestamp'];

export function compactModel(
  service: string,
  model: BotocoreModel,
  endpointRules: EndpointRules,
): ServiceModel {
  const shapes: Record<string, Shape> = {};
  const pending: string[] = [];
  const tokenShapes = new Set<string>();

  const compactMember = (member: BotocoreMember, isStructureMember = true): Member => {
    pending.push(member.shape);
    if (member.idempotencyToken === true) tokenShapes.add(member.shape);
    return {
      shape: member.shape,
      ...(member.locationName !== undefined && { locationName: member.locationName }),
      ...(member.queryName !== undefined && { queryName: member.queryName }),
      ...(isStructureMember && member.idempotencyToken === true && { idempotencyToken: true as const }),
      ...timestampFormat(service, member),
    };
  };

  const compactShape = (name: string, shape: BotocoreShape): Shape => {
    if (shape.streaming === true || shape.eventstream === true) {
      throw new ModelRefused(`${service}: ${name} is a stream, which Belay's client does not carry`);
    }
    const traits = { ...(shape.sensitive === true && { sensitive: true as const }) };
    const flattened = { ...(shape.flattened === true && { flattened: true as const }) };
    if (shape.type === 'structure') {
      const members: Record<string, Member> = {};
      for (const [key, member] of Object.entries(shape.members ?? {})) members[key] = compactMember(member);
      return {
        type: 'structure',
        ...traits,
        ...(shape.required !== undefined && shape.required.length > 0 && { required: shape.required }),
        ...(shape.union === true && { union: true as const }),
        ...(shape.document === true && { document: true as const }),
        members,
      };
    }
    if (shape.type === 'list' && shape.member !== undefined) {
      return { type: 'list', ...traits, ...flattened, member: compactMember(shape.member, false) };
    }
    if (shape.type === 'map' && shape.key !== undefined && shape.value !== undefined) {
      const [key, value] = [compactMember(shape.key, false), compactMember(shape.value, false)];
      return { type: 'map', ...traits, ...flattened, key, value };
    }
    const type = SIMPLE_TYPES.find((known) => known === shape.type);
    if (type === undefined)
      throw new ModelRefused(`${service}: ${name} is of the unknown type ${shape.type}`);
    return {
      type,
      ...traits,
      ...(shape.enum !== undefined && { enum: shape.enum }),
      ...timestampFormat(service, shape),
      ...(tokenShapes.has(name) && shape.min !== undefined && { min: shape.min }),
      ...(tokenShapes.has(name) && shape.max !== undefined && { max: shape.max }),
    };
  };

  const metadata = compactMetadata(service, model);
  const operations: Record<string, OperationModel> = {};
  for (const [name, { input, output }] of Object.entries(model.operations)) {
    if (
      metadata.protocol === 'query' &&
      output?.resultWrapper !== undefined &&
      output.resultWrapper !== `${name}Result`
    ) {
      throw new ModelRefused(`${service}: ${name} wraps its result as ${output.resultWrapper}`);
    }
    for (const end of [input, output]) if (end !== undefined) pending.push(end.shape);
    operations[name] = {
      ...(input !== undefined && { input: input.shape }),
      ...(output !== undefined && { output: output.shape }),
    };
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
    metadata,
    endpointRules: withoutDescriptions(endpointRules),
    operations,
    shapes: Object.fromEntries(sorted),
  };
}

function withoutDescriptions({ version, parameters, rules }: EndpointRules): EndpointRules {
  const bare: EndpointRules['parameters'] = {};
  for (const [name, { documentation: _, ...parameter }] of Object.entries(parameters)) bare[name] = parameter;
  return { version, parameters: bare, rules };
}

function compactMetadata(service: string, { metadata }: BotocoreModel): ServiceMetadata {
  const spoken = metadata.protocols ?? [metadata.protocol];
  const protocol = PROTOCOLS.find((known) => spoken.includes(known));
  if (protocol === undefined) {
    throw new ModelRefused(
      `${service} speaks ${spoken.join(', ')}; Belay's client speaks ${PROTOCOLS.join(', ')}`,
    );
  }
  const { targetPrefix, jsonVersion, xmlNamespace } = metadata;
  return {
    apiVersion: metadata.apiVersion,
    protocol,
    serviceId: metadata.serviceId,
    signingName: metadata.signingName ?? metadata.endpointPrefix,
    ...(protocol === 'json' && targetPrefix !== undefined && { targetPrefix }),
    ...(protocol === 'json' && jsonVersion !== undefined && { jsonVersion }),
    ...(protocol !== 'json' && xmlNamespace !== undefined && { xmlNamespace }),
    ...(protocol === 'json' &&
      metadata.awsQueryCompatible !== undefined && { awsQueryCompatible: true as const }),
  };
}

function timestampFormat(
  service: string,
  { timestampFormat: written }: { readonly timestampFormat?: string },
): { timestampFormat?: TimestampFormat } {
  if (written === undefined) return {};
  const format = TIMESTAMP_FORMATS.find((known) => known === written);
  if (format === undefined) throw new ModelRefused(`${service}: unknown timestamp format ${written}`);
  return { timestampFormat: format };
}
