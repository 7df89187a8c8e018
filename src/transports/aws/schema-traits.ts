/** What botocore says of a member → the traits by which the SDK's protocols place and name it. Pure. */
import type { SchemaTraitsObject } from '@smithy/types';
import type { Member, ServiceModel, Shape, XmlNamespace } from './model-format.ts';

export function memberTraits(
  model: ServiceModel,
  owner: Shape,
  name: string,
): { readonly member: Member; readonly traits: SchemaTraitsObject } {
  const member = memberIn(owner, name);
  const isPayload = owner.type === 'structure' && owner.payload === name;
  return {
    member,
    traits: {
      ...locationTraits(model, member, name),
      ...bodyNames(model, member),
      ...(isPayload && { httpPayload: 1 as const }),
      ...(member.queryName !== undefined && { ec2QueryName: member.queryName }),
      ...(member.idempotencyToken === true && { idempotencyToken: 1 as const }),
      ...(member.flattened === true && { xmlFlattened: 1 as const }),
      ...(member.xmlAttribute === true && { xmlAttribute: 1 as const }),
      ...(member.hostLabel === true && { hostLabel: 1 as const }),
      ...namespaceTrait(member.xmlNamespace),
    },
  };
}

function memberIn(owner: Shape, name: string): Member {
  const found =
    owner.type === 'structure'
      ? owner.members[name]
      : owner.type === 'list'
        ? owner.member
        : owner.type === 'map'
          ? owner[name === 'key' ? 'key' : 'value']
          : undefined;
  if (found === undefined) throw new Error(`a ${owner.type} has no member ${name}`);
  return found;
}

export function namespaceTrait(namespace: XmlNamespace | undefined): SchemaTraitsObject {
  if (namespace === undefined) return {};
  return { xmlNamespace: [namespace.prefix ?? '', namespace.uri] };
}

function locationTraits(model: ServiceModel, member: Member, name: string): SchemaTraitsObject {
  const { location, locationName = name } = member;
  switch (location) {
    case undefined:
      return {};
    case 'uri':
      return { httpLabel: 1 };
    case 'querystring':
      return model.shapes[member.shape]?.type === 'map'
        ? { httpQueryParams: 1 }
        : { httpQuery: locationName };
    case 'header':
      return { httpHeader: locationName };
    case 'headers':
      return { httpPrefixHeaders: locationName };
    case 'statusCode':
      return { httpResponseCode: 1 };
    default:
      return location satisfies never;
  }
}

/** XML and query read `xmlName`, JSON `jsonName`. The items of a flattened list may bring the name of the list along. */
function bodyNames(model: ServiceModel, member: Member): SchemaTraitsObject {
  if (member.location !== undefined) return {};
  const shape = model.shapes[member.shape];
  const isFlatList = shape?.type === 'list' && (shape.flattened === true || member.flattened === true);
  const name = (isFlatList ? shape.member.locationName : undefined) ?? member.locationName;
  return name === undefined ? {} : { xmlName: name, jsonName: name };
}
