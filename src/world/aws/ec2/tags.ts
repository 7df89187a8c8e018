/** Tags of EC2 resources. */
import { own, type Json } from '../../../json.ts';
import type { WorldState } from '../../state.ts';
import { changes, reads, type Operations } from '../operation.ts';
import { AwsRefusal } from '../refusal.ts';
import { page } from '../page.ts';
import type { Params } from '../params.ts';
import { passes } from './filters.ts';
import { findImage, findInstance, findSnapshot, findVolume } from './find.ts';

const tagsMax = 50;

export function tagsOf(state: WorldState, id: string): Readonly<Record<string, string>> {
  return own(state.tags, id) ?? {};
}

/** As replies list them. */
export function tagList(state: WorldState, id: string): Json[] {
  return Object.entries(tagsOf(state, id)).map(([Key, Value]) => ({ Key, Value }));
}

/** The tags that `TagSpecifications` asks for on a new resource of the type; `others`: what else the call may tag. */
export function specifiedTags(
  params: Params,
  resourceType: string,
  others: readonly string[] = [],
): Record<string, string> {
  const tags: Record<string, string> = {};
  for (const specification of params.objects('TagSpecifications')) {
    const type = specification.needText('ResourceType');
    if (others.includes(type)) continue;
    if (type !== resourceType)
      throw new AwsRefusal(
        'InvalidParameterValue',
        `'${type}' is not a valid taggable resource type for this operation.`,
      );
    Object.assign(tags, readTags(specification));
  }
  return tags;
}

export function putTags(state: WorldState, id: string, tags: Readonly<Record<string, string>>): void {
  const merged = { ...state.tags[id], ...tags };
  if (Object.keys(merged).length > tagsMax)
    throw new AwsRefusal('TagLimitExceeded', `The maximum number of tags of ${id} is ${tagsMax}.`);
  if (Object.keys(merged).length > 0) state.tags[id] = merged;
}

export const tagOperations: Operations = {
  CreateTags: changes(['Resources', 'Tags'], ({ state, params }) => {
    const ids = resources(state, params);
    const tags = readTags(params);
    for (const id of ids) putTags(state, id, tags);
    return {};
  }),

  DeleteTags: changes(['Resources', 'Tags'], ({ state, params }) => {
    for (const id of resources(state, params)) {
      const present = state.tags[id] ?? {};
      // Without a list all tags go; without a value the value does not matter.
      if (!params.has('Tags')) delete state.tags[id];
      for (const tag of params.objects('Tags')) {
        const key = tag.needText('Key');
        if (!tag.has('Value') || tag.text('Value') === present[key]) delete present[key];
      }
    }
    return {};
  }),

  DescribeTags: reads(['Filters', 'MaxResults', 'NextToken'], ({ state, params }) => {
    const all = Object.entries(state.tags).flatMap(([id, tags]) =>
      Object.entries(tags).map(([key, value]) => ({ id, key, value, type: typeOf(id) })),
    );
    const found = all.filter(({ id, key, value, type }) =>
      passes(params, { [key]: value }, (filter) => {
        const facts: Record<string, string> = { key, value, 'resource-id': id, 'resource-type': type };
        const fact = facts[filter];
        return fact === undefined ? undefined : [fact];
      }),
    );
    return page(
      params,
      'Tags',
      found.map(({ id, key, value, type }) => ({
        Key: key,
        Value: value,
        ResourceId: id,
        ResourceType: type,
      })),
    );
  }),
};

function readTags(params: Params): Record<string, string> {
  return Object.fromEntries(
    params.objects('Tags').map((tag) => {
      const key = tag.needText('Key');
      if (key.startsWith('aws:'))
        throw new AwsRefusal(
          'InvalidParameterValue',
          `Tag keys starting with 'aws:' are reserved for internal use`,
        );
      return [key, tag.text('Value') ?? ''];
    }),
  );
}

function resources(state: WorldState, params: Params): string[] {
  const ids = params.texts('Resources');
  for (const id of ids) {
    const type = typeOf(id);
    if (type === 'instance') findInstance(state, id);
    else if (type === 'volume') findVolume(state, id);
    else if (type === 'snapshot') findSnapshot(state, id);
    else if (type === 'image') findImage(state, id);
    else throw new AwsRefusal('InvalidID', `The ID '${id}' is not valid`);
  }
  return ids;
}

function typeOf(id: string): string {
  if (id.startsWith('i-')) return 'instance';
  if (id.startsWith('vol-')) return 'volume';
  if (id.startsWith('ami-')) return 'image';
  return id.startsWith('snap-') ? 'snapshot' : 'unknown';
}
