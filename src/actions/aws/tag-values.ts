/** Reads and writes the tags of EC2 resources and of those resources of SSM that carry tags. */
import type { JsonObject } from '../../json.ts';
import type { Change } from '../../engine/events.ts';
import type { ActionContext } from '../define-action.ts';
import { objectsIn, pages, textIn } from './reply.ts';
import { callAws } from '../../transports/aws-calls.ts';

export const taggedTypes = ['EC2', 'ManagedInstance', 'MaintenanceWindow', 'Parameter'] as const;
export type TaggedType = (typeof taggedTypes)[number];

/** By resource, by key; null: the resource has no such tag. */
export type TagValues = {
  readonly [resource: string]: { readonly [key: string]: string | null };
};

/** A filter of EC2 takes at most so many values. */
const filterValuesMax = 200;

export async function readTags(
  type: TaggedType,
  resources: readonly string[],
  keys: readonly string[],
  context: ActionContext,
): Promise<TagValues> {
  const values: Record<string, Record<string, string | null>> = {};
  for (const resource of resources) values[resource] = Object.fromEntries(keys.map((key) => [key, null]));
  const note = (resource: string, tag: JsonObject): void => {
    const known = values[resource];
    const key = textIn(tag, 'Key');
    if (known !== undefined && Object.hasOwn(known, key)) known[key] = textIn(tag, 'Value');
  };
  if (type !== 'EC2') {
    for (const resource of resources) {
      const reply = await callAws(context.aws, {
        service: 'ssm',
        operation: 'ListTagsForResource',
        params: { ResourceType: type, ResourceId: resource },
        signal: context.signal,
      });
      for (const tag of objectsIn(reply, 'TagList')) note(resource, tag);
    }
    return values;
  }
  for (let from = 0; from < resources.length; from += filterValuesMax) {
    const Filters = [
      { Name: 'resource-id', Values: resources.slice(from, from + filterValuesMax) },
      { Name: 'key', Values: keys.map(withoutWildcards) },
    ];
    for await (const page of pages('ec2', 'DescribeTags', { Filters }, context)) {
      for (const tag of objectsIn(page, 'Tags')) note(textIn(tag, 'ResourceId'), tag);
    }
  }
  return values;
}

/** In a filter, `*` and `?` stand for other characters unless escaped. */
function withoutWildcards(text: string): string {
  return text.replaceAll(/[*?\\]/g, (character) => `\\${character}`);
}

export async function putTags(
  type: TaggedType,
  resources: readonly string[],
  tags: Readonly<Record<string, string>>,
  { aws, signal }: ActionContext,
): Promise<void> {
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  if (type === 'EC2') {
    await callAws(aws, {
      service: 'ec2',
      operation: 'CreateTags',
      params: { Resources: resources, Tags },
      signal,
    });
    return;
  }
  for (const ResourceId of resources) {
    const params = { ResourceType: type, ResourceId, Tags };
    await callAws(aws, { service: 'ssm', operation: 'AddTagsToResource', params, signal });
  }
}

export async function removeTags(
  type: TaggedType,
  resource: string,
  keys: readonly string[],
  { aws, signal }: ActionContext,
): Promise<void> {
  if (type === 'EC2') {
    // Without a value the tag goes whatever its value is.
    const params = { Resources: [resource], Tags: keys.map((Key) => ({ Key })) };
    await callAws(aws, { service: 'ec2', operation: 'DeleteTags', params, signal });
    return;
  }
  const params = { ResourceType: type, ResourceId: resource, TagKeys: keys };
  await callAws(aws, { service: 'ssm', operation: 'RemoveTagsFromResource', params, signal });
}

/** What becomes different from one to the other; empty when nothing does. */
export function tagChanges(from: TagValues, to: TagValues): readonly Change[] {
  return Object.entries(to).flatMap(([target, wanted]) =>
    Object.entries(wanted).flatMap(([key, value]) => {
      const old = from[target]?.[key] ?? null;
      return old === value ? [] : [{ target, subject: `tag ${key}`, from: old, to: value }];
    }),
  );
}
