/** How many objects of each bucket are older than a limit, old versions of them included, listed page by page. */
import type { S3Client } from '../../transports/s3/client.ts';
import { versionsOf } from '../../transports/s3/versions.ts';

const noticeEvery = 10_000;

export interface OlderCounts {
  /** Without the buckets that have none. */
  readonly byBucket: Readonly<Record<string, number>>;
  readonly markers: number;
}

export interface OlderQuestion {
  readonly s3: S3Client;
  readonly prefix: string;
  /** In ms since 1970. */
  readonly limit: number;
  readonly buckets: readonly string[];
  /** Those that keep versions, or did. */
  readonly versioned: ReadonlySet<string>;
  readonly notice: (text: string) => void;
}

export async function countOlder(question: OlderQuestion): Promise<OlderCounts> {
  const { s3, prefix, limit, buckets, versioned, notice } = question;
  const byBucket: Record<string, number> = {};
  let [seen, markers] = [0, 0];
  for (const [index, bucket] of buckets.entries()) {
    let count = 0;
    const place = `bucket ${index + 1} of ${buckets.length}, ${bucket}`;
    for await (const { kind, modifiedAt } of entriesOf(s3, bucket, prefix, versioned.has(bucket))) {
      seen += 1;
      if (seen % noticeEvery === 0) notice(`${place}: ${seen} objects looked at in all`);
      if (Date.parse(modifiedAt) >= limit) continue;
      if (kind === 'marker') markers += 1;
      else count += 1;
    }
    notice(`${place}: ${count} are older`);
    if (count > 0) byBucket[bucket] = count;
  }
  return { byBucket, markers };
}

async function* entriesOf(
  s3: S3Client,
  bucket: string,
  prefix: string,
  isVersioned: boolean,
): AsyncGenerator<{ readonly kind: 'object' | 'marker'; readonly modifiedAt: string }> {
  if (isVersioned) yield* versionsOf(s3, bucket, prefix);
  else for await (const { modifiedAt } of s3.objects(bucket, prefix)) yield { kind: 'object', modifiedAt };
}
