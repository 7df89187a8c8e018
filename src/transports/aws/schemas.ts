/**
 * Service model → the schema tuples of the SDK's runtime, which its protocols read to write requests and to read replies.
 * A shape becomes a tuple when a protocol first asks for it, so that a call of EC2 does not pay for its 4,000 shapes.
 */
import type { $Schema, $SchemaRef, SchemaTraitsObject, StaticOperationSchema } from '@smithy/types';
import type { ServiceModel, Shape, SimpleShape, StructureShape } from './model-format.ts';
import { memberTraits, namespaceTrait } from './schema-traits.ts';

/** Sentinels of @smithy/types: schema/sentinels and schema/static-schemas. */
const STRING = 0;
const NUMERIC = 1;
const BOOLEAN = 2;
const TIMESTAMP = { default: 4, iso8601: 5, rfc822: 6, unixTimestamp: 7 } as const;
const DOCUMENT = 15;
/** Comes back as a bigint, so that no digit is lost; `decode.ts` makes a number of it where that is exact. */
const BIG_INTEGER = 17;
const BLOB = 21;
const [LIST, MAP, STRUCTURE, UNION, OPERATION] = [1, 2, 3, 4, 9] as const;

export interface Schemas {
  /** Schema of an operation of the model, by its name as AWS writes it. */
  operation(name: string): StaticOperationSchema;
}

export interface SchemaOptions {
  /** False at an endpoint that somebody configured: its host name is meant as it is. */
  readonly hostPrefix: boolean;
}

export function createSchemas(model: ServiceModel, { hostPrefix }: SchemaOptions): Schemas {
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
    switch (shape.type) {
      case 'structure':
        return shape.document === true
          ? DOCUMENT
          : structure(name, shape, namespaceTrait(shape.xmlNamespace));
      case 'list':
        return [LIST, namespace, name, collectionTraits(shape), memberOf(shape, 'member')];
      case 'map':
        return [
          MAP,
          namespace,
          name,
          collectionTraits(shape),
          memberOf(shape, 'key'),
          memberOf(shape, 'value'),
        ];
      default:
        return simple(shape, shape.timestampFormat);
    }
  };

  const structure = (name: string, shape: StructureShape, traits: SchemaTraitsObject): $Schema => {
    const kind = shape.union === true ? UNION : STRUCTURE;
    const names = Object.keys(shape.members);
    return [kind, namespace, name, traits, names, names.map((member) => memberOf(shape, member))] as $Schema;
  };

  const memberOf = (owner: Shape, name: string): $SchemaRef => {
    const { member, traits } = memberTraits(model, owner, name);
    const shape = model.shapes[member.shape];
    const target: $SchemaRef =
      shape?.type === 'timestamp'
        ? simple(shape, member.timestampFormat ?? shape.timestampFormat)
        : () => schemaOf(member.shape);
    return Object.keys(traits).length === 0 ? target : [target, traits];
  };

  /** The element around a request is a trait of this one use of the shape. */
  const inputOf = (name: string | undefined, element: InputElement | undefined): $SchemaRef => {
    const shape = name === undefined ? undefined : model.shapes[name];
    if (name === undefined || shape === undefined) return 'unit';
    if (element === undefined || shape.type !== 'structure') return () => schemaOf(name);
    const { locationName, xmlNamespace } = element;
    return structure(name, shape, { xmlName: locationName, ...namespaceTrait(xmlNamespace) });
  };

  return {
    operation(name) {
      const { input, output, http, inputElement, hostPrefix: prefix } = model.operations[name] ?? {};
      const traits: SchemaTraitsObject = {
        ...(http !== undefined && { http: [http.method, http.requestUri, http.responseCode ?? 200] }),
        ...(hostPrefix && prefix !== undefined && { endpoint: [prefix] }),
      };
      const outputRef: $SchemaRef = output === undefined ? 'unit' : () => schemaOf(output);
      return [OPERATION, namespace, name, traits, inputOf(input, inputElement), outputRef];
    },
  };
}

type InputElement = NonNullable<ServiceModel['operations'][string]['inputElement']>;

function collectionTraits(shape: { readonly flattened?: true; readonly sparse?: true }): SchemaTraitsObject {
  return {
    ...(shape.flattened === true && { xmlFlattened: 1 as const }),
    ...(shape.sparse === true && { sparse: 1 as const }),
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
    case 'long':
      return BIG_INTEGER;
    case 'integer':
    case 'float':
    case 'double':
      return NUMERIC;
    default:
      return shape.type satisfies never;
  }
}
