/** What minio:lifecycle changes in a bucket: said in short, and taken back. */
import type { Change } from '../../engine/events.ts';
import type { JsonObject } from '../../json.ts';
import type { S3Client } from '../../transports/s3/client.ts';
import { done, failed, type Poll } from '../define-action.ts';
import { rulesOf, takenBack } from './lifecycle-rules.ts';

/** The rule that the step puts. */
type OwnRule = Parameters<typeof takenBack>[2];

/** `2 rules: keep 30 d, belay-expiry 1825 d`. */
export function summaryOf(xml: string | null | undefined): string {
  if (xml === null || xml === undefined) return 'no rules';
  const rules = rulesOf(xml).map(
    ({ id, days }) => `${id === '' ? 'unnamed' : id}${days === null ? '' : ` ${days} d`}`,
  );
  return `${rules.length} ${rules.length === 1 ? 'rule' : 'rules'}: ${rules.join(', ')}`;
}

/** The exported rules as they were; beside rules that somebody has added since, ours is taken out. */
export async function putBack(
  rule: OwnRule,
  rules: Readonly<Record<string, string | null>>,
  s3: S3Client,
): Promise<Poll<JsonObject>> {
  const changes: Change[] = [];
  const others: string[] = [];
  for (const [bucket, was] of Object.entries(rules)) {
    const now = await s3.lifecycle(bucket);
    if ((now ?? null) === was) continue;
    const left = takenBack(now, was ?? undefined, rule);
    if (left.kind === 'theirs') {
      others.push(bucket);
      continue;
    }
    if (left.xml === undefined) await s3.removeLifecycle(bucket);
    else await s3.putLifecycle(bucket, left.xml);
    changes.push({ target: bucket, subject: 'lifecycle', from: summaryOf(now), to: summaryOf(left.xml) });
  }
  if (others.length === 0) return done({}, { changes });
  const more = others.length > 3 ? ` and ${others.length - 3} more` : '';
  return failed(
    'CHANGED_MEANWHILE',
    `somebody has changed the rules of ${others.slice(0, 3).join(', ')}${more} since the step, and they were left alone`,
    { changes },
  );
}
