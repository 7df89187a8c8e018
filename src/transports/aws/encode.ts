/** Inputs of a call as JSON → the input that the SDK's protocols write: Date for times, bytes for blobs. */
import type { Json, JsonObject } from '../aws.ts';
import { isJsonObject } from '../../json.ts';
import type { ServiceModel, StructureShape } from './model-format.ts';
import { bytesOfBase64, dateOf } from './values.ts';

/** The params have been checked against the same model (`check-params.ts`). */
export function encodeParams(model: ServiceModel, input: string | undefined, params: JsonObject): object {
  const encode = (shapeName: string, value: Json): unknown => {
    const shape = model.shapes[shapeName];
    switch (shape?.type) {
      case 'timestamp':
        return dateOf(value);
      case 'blob':
        return typeof value === 'string' ? bytesOfBase64(value) : value;
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

  const encodeStructure = (shape: StructureShape, value: JsonObject): object =>
    shape.document === true
      ? value
      : mapValues(value, (item, name) => {
          const member = shape.members[name];
          return member === undefined ? item : encode(member.shape, item);
        });

  const shape = input === undefined ? undefined : model.shapes[input];
  return shape?.type === 'structure' ? encodeStructure(shape, params) : {};
}

function mapValues(object: JsonObject, change: (value: Json, key: string) => unknown): object {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));
}
