/** Inputs of a call as JSON → the input that the SDK's protocols write: Date for times, bytes for blobs, bigint for long numbers. */
import type { Json, JsonObject } from '../aws.ts';
import { isJsonObject } from '../../json.ts';
import type { Member, ServiceModel, StructureShape } from './model-format.ts';
import { bytesOf, dateOf, longOf } from './values.ts';

/** Shapes of ids that Route 53 gives with a path before them (`/hostedzone/Z1`) and takes without, as boto3 and the SDK pass them. */
const ROUTE53_IDS = ['ResourceId', 'DelegationSetId', 'ChangeId'];

/** The params have been checked against the same model (`check-params.ts`) and carry the members' own names. */
export function encodeParams(model: ServiceModel, input: string | undefined, params: JsonObject): object {
  const encode = (shapeName: string, value: Json): unknown => {
    const shape = model.shapes[shapeName];
    switch (shape?.type) {
      case 'timestamp':
        return dateOf(value);
      case 'blob':
        return typeof value === 'string' ? bytesOf(value) : value;
      case 'long':
        return longOf(value) ?? value;
      case 'list':
        return Array.isArray(value) ? value.map((item: Json) => encode(shape.member.shape, item)) : value;
      case 'map':
        return isJsonObject(value) ? mapValues(value, (item) => encode(shape.value.shape, item)) : value;
      case 'structure':
        return isJsonObject(value) ? encodeStructure(shape, value) : value;
      default:
        return value;
    }
  };

  const encodeMember = (member: Member, value: Json): unknown => {
    if (model.service === 'route53' && ROUTE53_IDS.includes(member.shape) && typeof value === 'string')
      return value.split('/').at(-1);
    if (member.jsonvalue !== true) return encode(member.shape, value);
    // As boto3 has it: in a header travels the JSON of whatever is written, in base64; in a body a text is JSON already.
    if (member.location === 'header') return Buffer.from(JSON.stringify(value)).toString('base64');
    return typeof value === 'string' ? value : JSON.stringify(value);
  };

  /** Null counts as left out, as boto3 has it. */
  const encodeStructure = (shape: StructureShape, value: JsonObject): object => {
    if (shape.document === true) return value;
    const present = Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null));
    return mapValues(present, (item, name) => {
      const member = shape.members[name];
      return member === undefined ? item : encodeMember(member, item);
    });
  };

  const shape = input === undefined ? undefined : model.shapes[input];
  return shape?.type === 'structure' ? encodeStructure(shape, params) : {};
}

function mapValues(object: JsonObject, change: (value: Json, key: string) => unknown): object {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));
}
