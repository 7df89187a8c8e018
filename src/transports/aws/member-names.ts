/** Under which names a member of an input may be written: its own as boto3 has it, and the one that the API has on the wire. */
import type { Json, JsonObject } from '../aws.ts';
import { isJsonObject } from '../../json.ts';
import type { Member, ServiceModel, StructureShape } from './model-format.ts';

/** Names that botocore takes for another (botocore: handlers, `_add_parameter_aliases`). */
const BOTO3_ALIASES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ec2: { Filters: 'Filter' },
  logs: { fromTime: 'from' },
  cloudsearchdomain: { returnFields: 'return' },
};
const WORD = /^[A-Za-z]\w*$/;

const wireNames = new WeakMap<StructureShape, ReadonlyMap<string, string>>();

/** The member's own name; undefined where the structure has none that is written so. */
export function memberName(model: ServiceModel, shape: StructureShape, written: string): string | undefined {
  if (Object.hasOwn(shape.members, written)) return written;
  const alias = BOTO3_ALIASES[model.service]?.[written];
  if (alias !== undefined && Object.hasOwn(shape.members, alias)) return alias;
  let names = wireNames.get(shape);
  if (names === undefined) {
    names = namesOnTheWire(model, shape);
    wireNames.set(shape, names);
  }
  return names.get(written);
}

/** A name that two members have on the wire, in header and body perhaps, stands for neither. */
function namesOnTheWire(model: ServiceModel, shape: StructureShape): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const twice = new Set<string>();
  for (const [name, member] of Object.entries(shape.members)) {
    for (const wire of new Set(wireNamesOf(model, member))) {
      if (names.has(wire)) twice.add(wire);
      names.set(wire, name);
    }
  }
  for (const wire of twice) names.delete(wire);
  return names;
}

/** EC2's requests begin with a capital what its replies begin without. */
function wireNamesOf(model: ServiceModel, { locationName, queryName }: Member): string[] {
  const names = [locationName, queryName].filter((name) => name !== undefined && WORD.test(name));
  const written = names.filter((name) => name !== undefined);
  if (model.metadata.protocol !== 'ec2') return written;
  return written.flatMap((name) => [name, name.charAt(0).toUpperCase() + name.slice(1)]);
}

/** The params under the members' own names, at every depth. What is unknown stays as it is written. */
export function canonicalParams(
  model: ServiceModel,
  input: string | undefined,
  params: JsonObject,
): JsonObject {
  const rename = (shapeName: string, value: Json): Json => {
    const shape = model.shapes[shapeName];
    if (shape?.type === 'list' && Array.isArray(value))
      return value.map((item: Json) => rename(shape.member.shape, item));
    if (!isJsonObject(value)) return value;
    if (shape?.type === 'map')
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, rename(shape.value.shape, item)]),
      );
    return shape?.type === 'structure' && shape.document !== true ? renameMembers(shape, value) : value;
  };
  const renameMembers = (shape: StructureShape, value: JsonObject): JsonObject =>
    Object.fromEntries(
      Object.entries(value).map(([written, item]) => {
        const name = memberName(model, shape, written) ?? written;
        const member = Object.hasOwn(shape.members, name) ? shape.members[name] : undefined;
        return [name, member === undefined || member.jsonvalue === true ? item : rename(member.shape, item)];
      }),
    );

  const shape = input === undefined ? undefined : model.shapes[input];
  return shape?.type === 'structure' ? renameMembers(shape, params) : params;
}
