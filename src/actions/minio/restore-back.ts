/** Takes a restore back: what was kept returns, what it made goes, what somebody has written since stays. */
import type { Change } from '../../engine/events.ts';
import type { JsonObject } from '../../json.ts';
import type { S3Client } from '../../transports/s3/client.ts';
import { versionPage } from '../../transports/s3/versions.ts';
import { done, failed, type ActionContext, type Poll } from '../define-action.ts';
import { inGroups, nextGroup } from './backup-copying.ts';
import { digestOf } from './backup-stream.ts';
import type { Kept, KeptRecord } from './restore-kept.ts';
import { unlessLocked } from './restore-locks.ts';
import type { KeptHistories } from './restore-versions.ts';

const namesShown = 5;

/** Only what still is what the restore put there. May be told again after a crash: what is kept goes last. */
export async function putBack(
  { kept, histories }: { readonly kept: Kept; readonly histories: KeptHistories },
  here: S3Client,
  context: ActionContext,
): Promise<Poll<JsonObject>> {
  const locked: string[] = [];
  const versions = await histories.takeBack(here, locked, (count) =>
    context.notice(`${count} versions that were brought back are removed`),
  );
  const ends = { back: 0, removed: 0, nothing: 0, others: [] as string[], locked };
  const made = new Set<string>();
  const records = kept.records();
  for (let group = await nextGroup(records); group.length > 0; group = await nextGroup(records)) {
    for (const { bucket, madeBucket } of group) if (madeBucket) made.add(bucket);
    const objects = group.filter(({ key }) => key !== '');
    const each = await inGroups(objects, context.signal, (record, _, signal) =>
      putBackOne(record, kept, here.until(signal)),
    );
    for (const [index, { bucket, key }] of objects.entries()) {
      const end = each[index] ?? 'nothing';
      if (end === 'others' || end === 'locked') ends[end].push(`${bucket}/${key}`);
      else ends[end] += 1;
    }
    context.notice(`${ends.back + ends.removed} objects are as before`);
  }
  const { back, removed, others } = ends;
  for (const bucket of made) {
    if ((await here.hasBucket(bucket)) && (await versionPage(here, bucket)).versions.length === 0)
      await here.removeBucket(bucket);
  }
  if (locked.length === 0) await kept.remove();
  const to = [
    ...(back + removed === 0 ? [] : [`${back} as before, ${removed} removed`]),
    ...(versions === 0 ? [] : [`${versions} versions removed`]),
  ].join(', ');
  const changes: Change[] = to === '' ? [] : [{ target: 'minio', subject: 'objects', from: 'restored', to }];
  const left = `${others.length} were left as they are, because somebody has written them since: ${others.slice(0, namesShown).join(', ')}`;
  if (locked.length > 0) {
    return failed(
      'OBJECT_LOCKED',
      `${locked.length} versions that were brought back are kept by their object locks, as they were before: ${locked.slice(0, namesShown).join(', ')}${locked.length > namesShown ? ' and more' : ''}. Ask for the rollback again when their time is over`,
      { changes },
    );
  }
  return done({}, { changes, ...(others.length === 0 ? {} : { note: left }) });
}

/** `others`: somebody has written it since, and it stays. `nothing`: there is nothing to put back. */
async function putBackOne(
  record: KeptRecord,
  kept: Kept,
  here: S3Client,
): Promise<'back' | 'removed' | 'others' | 'locked' | 'nothing'> {
  const { bucket, key, sha256, was, keptSha256, madeBucket } = record;
  const now = await digestOf({ s3: here, bucket, key });
  const isOurs = sha256 === '' ? now === undefined : now?.sha256 === sha256;
  // Put back by a runner that died before it came to the end.
  if (!isOurs && was === 'kept' && now?.sha256 === keptSha256) return 'back';
  if (!isOurs) return now !== undefined || was === 'kept' ? 'others' : 'nothing';
  if (was === 'kept') {
    await kept.putBack(here, record);
    return 'back';
  }
  if (now === undefined) return 'nothing';
  // In a bucket of its own nothing may stay, no marker either.
  const versionId = madeBucket ? now.headers['x-amz-version-id'] : undefined;
  return (await unlessLocked(here.remove(bucket, key, versionId))) ? 'removed' : 'locked';
}
