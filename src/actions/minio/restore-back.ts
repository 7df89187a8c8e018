/** Takes a restore back: what was kept returns, what it made goes. What somebody has written since stays, and so does what was kept of it. */
import type { Change } from '../../engine/events.ts';
import type { JsonObject } from '../../json.ts';
import type { S3Client } from '../../transports/s3/client.ts';
import { versionPage } from '../../transports/s3/versions.ts';
import { done, failed, type ActionContext, type Poll } from '../define-action.ts';
import { inGroups, nextGroup } from './backup-copying.ts';
import { carriedOf, printOf, type Carried } from './backup-carried.ts';
import { digestOf } from './backup-stream.ts';
import { listed } from './listed.ts';
import type { Kept, KeptRecord } from './restore-kept.ts';
import { unlessLocked } from './restore-locks.ts';
import type { KeptHistories } from './restore-histories.ts';

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
  const ends = { back: 0, removed: 0, nothing: 0 };
  const made: KeptRecord[] = [];
  const theirs: KeptRecord[] = [];
  const lockedObjects: KeptRecord[] = [];
  const records = kept.records();
  for (let group = await nextGroup(records); group.length > 0; group = await nextGroup(records)) {
    made.push(...group.filter(({ key, madeBucket }) => key === '' && madeBucket));
    const objects = group.filter(({ key }) => key !== '');
    const each = await inGroups(objects, context.signal, (record, _, signal) =>
      putBackOne(record, kept, here.until(signal)),
    );
    for (const [index, record] of objects.entries()) {
      const end = each[index] ?? 'nothing';
      if (end === 'theirs') theirs.push(record);
      else if (end === 'locked') lockedObjects.push(record);
      else ends[end] += 1;
    }
    context.notice(`${ends.back + ends.removed} objects are as before`);
  }
  for (const { bucket } of made) {
    if ((await here.hasBucket(bucket)) && (await versionPage(here, bucket)).versions.length === 0)
      await here.removeBucket(bucket);
  }
  locked.push(...lockedObjects.map(nameOf));
  // What is owed still is found again by the next rollback.
  if (locked.length === 0) await kept.remove(theirs.length === 0 ? [] : [...theirs, ...made]);
  const to = [
    ...(ends.back + ends.removed === 0 ? [] : [`${ends.back} as before, ${ends.removed} removed`]),
    ...(versions === 0 ? [] : [`${versions} versions removed`]),
  ].join(', ');
  const changes: Change[] = to === '' ? [] : [{ target: 'minio', subject: 'objects', from: 'restored', to }];
  const left = theirs.length === 0 ? '' : leftAlone(theirs, kept);
  if (locked.length > 0) {
    return failed(
      'OBJECT_LOCKED',
      `${locked.length} versions that were brought back are kept by their object locks, as they were before: ${listed(locked)}. Ask for the rollback again when their time is over${left === '' ? '' : `. ${left}`}`,
      { changes },
    );
  }
  if (left !== '') return failed('CHANGED_MEANWHILE', left, { changes });
  return done({}, { changes });
}

const nameOf = ({ bucket, key }: KeptRecord): string => `${bucket}/${key}`;

function leftAlone(theirs: readonly KeptRecord[], kept: Kept): string {
  const what =
    theirs.length === 1
      ? '1 object was left as it is, because somebody has written it since'
      : `${theirs.length} objects were left as they are, because somebody has written them since`;
  return `${what}: ${listed(theirs.map(nameOf))}. What was there before stays kept in ${kept.place}. To have that back, delete what is there now, and ask for the rollback again`;
}

/** `theirs`: somebody has written it since, and it stays. `nothing`: there is nothing to put back. */
async function putBackOne(
  record: KeptRecord,
  kept: Kept,
  here: S3Client,
): Promise<'back' | 'removed' | 'theirs' | 'locked' | 'nothing'> {
  const { bucket, key, sha256, wrote, was, keptSha256, carried, madeBucket } = record;
  const at = { s3: here, bucket, key };
  const now = await digestOf(at);
  const has = async (bytes: string, what: Carried): Promise<boolean> =>
    now?.sha256 === bytes && printOf(await carriedOf(at, now.headers)) === printOf(what);
  if (now === undefined) {
    if (was === 'absent') return 'nothing';
    await kept.putBack(here, record);
    return 'back';
  }
  // Put back by a runner that died before it came to the end.
  if (was === 'kept' && (await has(keptSha256, carried))) return 'back';
  // What an earlier version of Belay wrote is known by its bytes alone.
  const isOurs = wrote === null ? now.sha256 === sha256 : await has(sha256, wrote);
  if (!isOurs) return 'theirs';
  if (was === 'kept') {
    await kept.putBack(here, record);
    return 'back';
  }
  // In a bucket of its own nothing may stay, no marker either.
  const versionId = madeBucket ? now.headers['x-amz-version-id'] : undefined;
  return (await unlessLocked(here.remove(bucket, key, versionId))) ? 'removed' : 'locked';
}
