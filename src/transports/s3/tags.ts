/** The tags of an object, as a query: `a=b&c=d`, in one order; empty: it has none. */
import { objectPath } from './path.ts';
import type { S3Client } from './client.ts';

export async function tagsOf(s3: S3Client, bucket: string, key: string, versionId?: string): Promise<string> {
  const query = { tagging: '', ...(versionId === undefined ? {} : { versionId }) };
  const send = { method: 'GET', query } as const;
  const reply = await s3.xml(objectPath(bucket, key), send, 'Tagging');
  const tags = reply.one('TagSet')?.all('Tag') ?? [];
  return tags
    .map((tag) => `${encodeURIComponent(tag.text('Key'))}=${encodeURIComponent(tag.text('Value'))}`)
    .toSorted()
    .join('&');
}
