/**
 * Object lock: until when a version may not be removed (retention), whether it may be removed at all (legal hold), and what a bucket
 * gives each new version. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
 */
import { createHash } from 'node:crypto';
import type { S3Client } from './client.ts';
import { S3Failure } from './failure.ts';
import { bucketPath, objectPath } from './path.ts';

export const lockModes = ['GOVERNANCE', 'COMPLIANCE'] as const;
export type LockMode = (typeof lockModes)[number];

/** Of one version. */
export interface ObjectLock {
  readonly retention?: { readonly mode: LockMode; /** ISO 8601. */ readonly until: string };
  readonly isHeld?: true;
}

/** Of a bucket that can lock: what each new version gets, where it has such a rule. */
export interface BucketLock {
  readonly retention?:
    | { readonly mode: LockMode; readonly days: number }
    | { readonly mode: LockMode; readonly years: number };
}

export interface VersionAt {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string;
}

const modeOf = (text: string | undefined): LockMode | undefined => lockModes.find((mode) => mode === text);

/** As GET and HEAD answer it to who may read it; undefined: none. */
export function lockIn(headers: Readonly<Record<string, string>>): ObjectLock | undefined {
  const mode = modeOf(headers['x-amz-object-lock-mode']);
  const until = headers['x-amz-object-lock-retain-until-date'] ?? '';
  const isHeld = headers['x-amz-object-lock-legal-hold'] === 'ON';
  const isRetained = mode !== undefined && !Number.isNaN(Date.parse(until));
  if (!isRetained && !isHeld) return undefined;
  return { ...(isRetained ? { retention: { mode, until } } : {}), ...(isHeld ? { isHeld } : {}) };
}

/** Undefined: the bucket cannot lock. Rejects with S3Failure AccessDenied where that may not be asked. */
export async function bucketLockOf(s3: S3Client, bucket: string): Promise<BucketLock | undefined> {
  try {
    const send = { method: 'GET', query: { 'object-lock': '' } } as const;
    const reply = await s3.xml(bucketPath(bucket), send, 'ObjectLockConfiguration');
    if (reply.text('ObjectLockEnabled') !== 'Enabled') return undefined;
    const rule = reply.one('Rule')?.one('DefaultRetention');
    const mode = modeOf(rule?.text('Mode'));
    if (rule === undefined || mode === undefined) return {};
    const years = Number(rule.text('Years'));
    return { retention: years > 0 ? { mode, years } : { mode, days: Number(rule.text('Days')) } };
  } catch (error) {
    if (error instanceof S3Failure && error.code === 'ObjectLockConfigurationNotFoundError') return undefined;
    throw error;
  }
}

/** For how many days each new version is kept from being removed; undefined: the bucket has no such rule. */
export async function lockDaysOf(s3: S3Client, bucket: string): Promise<number | undefined> {
  const { retention } = (await bucketLockOf(s3, bucket)) ?? {};
  if (retention === undefined) return undefined;
  return 'years' in retention ? retention.years * 365 : retention.days;
}

/** A bucket that can lock keeps versions from its first moment on; no other can be made to lock later. */
export async function makeLockingBucket(s3: S3Client, bucket: string): Promise<void> {
  try {
    await s3.ask(bucketPath(bucket), {
      method: 'PUT',
      headers: { 'x-amz-bucket-object-lock-enabled': 'true' },
    });
  } catch (error) {
    if (!(error instanceof S3Failure) || error.code !== 'BucketAlreadyOwnedByYou') throw error;
  }
}

export async function putBucketLock(s3: S3Client, bucket: string, { retention }: BucketLock): Promise<void> {
  if (retention === undefined) return;
  const time = 'years' in retention ? `<Years>${retention.years}</Years>` : `<Days>${retention.days}</Days>`;
  const rule = `<Rule><DefaultRetention><Mode>${retention.mode}</Mode>${time}</DefaultRetention></Rule>`;
  const text = `<ObjectLockConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><ObjectLockEnabled>Enabled</ObjectLockEnabled>${rule}</ObjectLockConfiguration>`;
  await s3.ask(bucketPath(bucket), { method: 'PUT', query: { 'object-lock': '' }, ...sent(text) });
}

export async function putRetention(
  s3: S3Client,
  { bucket, key, versionId }: VersionAt,
  { mode, until }: NonNullable<ObjectLock['retention']>,
): Promise<void> {
  const text = `<Retention xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Mode>${mode}</Mode><RetainUntilDate>${until}</RetainUntilDate></Retention>`;
  await s3.ask(objectPath(bucket, key), {
    method: 'PUT',
    query: { retention: '', versionId },
    ...sent(text),
  });
}

export async function putLegalHold(s3: S3Client, { bucket, key, versionId }: VersionAt): Promise<void> {
  const text = `<LegalHold xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>ON</Status></LegalHold>`;
  await s3.ask(objectPath(bucket, key), {
    method: 'PUT',
    query: { 'legal-hold': '', versionId },
    ...sent(text),
  });
}

/** Whether the caller may see the locks of this version: to others GET and HEAD just do not tell them. */
export async function mayReadLocks(s3: S3Client, { bucket, key, versionId }: VersionAt): Promise<boolean> {
  for (const what of ['retention', 'legal-hold']) {
    try {
      await s3.ask(objectPath(bucket, key), { method: 'GET', query: { [what]: '', versionId } });
    } catch (error) {
      if (!(error instanceof S3Failure)) throw error;
      if (error.status === 403) return false;
      if (error.isBusy) throw error;
    }
  }
  return true;
}

/** The server keeps the version because of its lock. AWS says AccessDenied for it, and why in words only. */
export const isLocked = (error: unknown): error is S3Failure =>
  error instanceof S3Failure &&
  /WORM protected|object lock|ObjectLocked/i.test(`${error.code} ${error.said}`);

function sent(text: string) {
  const body = Buffer.from(text);
  return { body, headers: { 'content-md5': createHash('md5').update(body).digest('base64') } };
}
