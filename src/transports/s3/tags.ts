/** The tags of an object, as a query: `a=b&c=d`, in one order; empty: it has none. */
import { objectPath } from './path.ts';
import type { S3Client } from './client.ts';

export async function tagsOf(s3: S3Client, bucket: string, key: string): Promise<string> {
  const send = { method: 'GET', query: { tagging: '' } } as const;
  const reply = await s3.xml(objectPath(bucket, key), send, 'Tagging');
  const tags = reply.one('TagSet')?.all('Tag') ?? [];
  return tags
    .map((tag) => `${encodeURIComponent(tag.text('Key'))}=${encodeURIComponent(tag.text('Value'))}`)
    .toSorted()
    .join('&');
}
