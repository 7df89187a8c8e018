/**
 * Service model → the schema tuples of the SDK's runtime, which its protocols read to write requests and to read replies.
 * A shape becomes a tuple when a protocol first asks for it, so that a call of EC2 does not pay for its 4,000 shapes.
 */
import type { $Schema, $SchemaRef, SchemaTraitsObject, StaticOperationSchema } from '@smithy/types';
import type { Member, ServiceModel, Shape, SimpleShape } from './model-format.ts';

/** Sentinels of @smithy/types: schema/sentinels and schema/static-schemas. */
const STRING = 0;
const NUMERIC = 1;
const BOOLEAN = 2;
const TIMESTAMP = { default: 4, iso8601: 5, rfc822: 6, unixTimestamp: 7 } as const;
const DOCUMENT = 15;
const BLOB = 21;
const [LIST, MAP, STRUCTURE, UNION, OPERATION] = [1, 2, 3, 4, 9] as const;

export interface Schemas {
  /** Schema of an operation of the model, by its name as AWS writes it. */
  operation(name: string): StaticOperationSchema;
}

export function createSchemas(model: ServiceModel): Schemas {
  // A namespace of our own: the SDK keeps one registry of error classes per namespace for the whole process.
  const namespace = `belay.${model.service}`;
  const built = new Map<string, $Schema>();

  const schemaOf = (name: string): $Schema => {
    let schema = built.get(name);
    if (schema === undefined) {
      const shape = model.shapes[name];
      if (shape === undefined) throw new Error(`the model of ${model.service} lacks the shape ${name}`);
      schema = build(name, shape);
      built.set(name, schema);
    }
    return schema;
  };

  const build = (name: string, shape: Shape): $Schema => {
    const flattened: SchemaTraitsObject = 'flattened' in shape ? { xmlFlattened: 1 } : {};
    switch (shape.type) {
      case 'structure': {
        if (shape.document === true) return DOCUMENT;
        const kind = shape.union === true ? UNION : STRUCTURE;
        const members = Object.values(shape.members).map(memberOf);
        return [kind, namespace, name, {}, Object.keys(shape.members), members] as $Schema;
      }
      case 'list':
        return [LIST, namespace, name, flattened, memberOf(shape.member)];
      case 'map':
        return [MAP, namespace, name, flattened, memberOf(shape.key), memberOf(shape.value)];
      default:
        return simple(shape, shape.timestampFormat);
    }
  };

  const memberOf = (member: Member): $SchemaRef => {
    const shape = model.shapes[member.shape];
    const traits: SchemaTraitsObject = {
      ...(member.locationName !== undefined && { xmlName: member.locationName }),
      ...(member.queryName !== undefined && { ec2QueryName: member.queryName }),
      ...(member.idempotencyToken === true && { idempotencyToken: 1 as const }),
    };
    const target: $SchemaRef =
      shape?.type === 'timestamp'
        ? simple(shape, member.timestampFormat ?? shape.timestampFormat)
        : () => schemaOf(member.shape);
    return Object.keys(traits).length === 0 ? target : [target, traits];
  };

  return {
    operation(name) {
      const { input, output } = model.operations[name] ?? {};
      const refOf = (shape: string | undefined): $SchemaRef =>
        shape === undefined ? 'unit' : () => schemaOf(shape);
      return [OPERATION, namespace, name, 0, refOf(input), refOf(output)];
    },
  };
}

function simple(shape: SimpleShape, format: SimpleShape['timestampFormat']): $Schema {
  switch (shape.type) {
    case 'string':
      return STRING;
    case 'boolean':
      return BOOLEAN;
    case 'timestamp':
      return TIMESTAMP[format ?? 'default'];
    case 'blob':
      return BLOB;
    case 'integer':
    case 'long':
    case 'float':
    case 'double':
      return NUMERIC;
    default:
      return shape.type satisfies never;
  }
}
