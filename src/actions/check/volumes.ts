/** Volumes of EC2 by their state and tag, page by page, for the checks that look at each. */
import { Type } from 'typebox';
import type { JsonObject } from '../../json.ts';
import { objectsIn, pages, textIn } from '../aws/reply.ts';
import type { ActionContext } from '../define-action.ts';

export const tagInput = Type.Object(
  { Key: Type.String({ minLength: 1 }), Value: Type.String() },
  { additionalProperties: false, description: 'Only volumes that have it.' },
);

export async function listVolumes(
  {
    tag,
    isAttached,
  }: {
    readonly tag?: { readonly Key: string; readonly Value: string } | undefined;
    readonly isAttached: boolean;
  },
  context: Pick<ActionContext, 'aws' | 'signal'>,
): Promise<JsonObject[]> {
  const Filters = [
    ...(isAttached ? [{ Name: 'attachment.status', Values: ['attaching', 'attached', 'detaching'] }] : []),
    ...(tag === undefined ? [] : [{ Name: `tag:${tag.Key}`, Values: [tag.Value] }]),
  ];
  const volumes: JsonObject[] = [];
  const params = Filters.length === 0 ? {} : { Filters };
  for await (const page of pages('ec2', 'DescribeVolumes', params, context))
    volumes.push(...objectsIn(page, 'Volumes'));
  return volumes;
}

/** `vol-1 of i-1`, or its id alone. */
export function volumeText(volume: JsonObject): string {
  const [attachment] = objectsIn(volume, 'Attachments');
  const instance = attachment === undefined ? '' : textIn(attachment, 'InstanceId');
  return instance === '' ? '' : ` on ${instance}`;
}
