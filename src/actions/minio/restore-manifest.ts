/** Which manifest a restore goes by: the one that is named, or the latest backup that had ended at a time. */
import type { S3Client } from '../../transports/s3/client.ts';
import { ActionFailure } from '../define-action.ts';
import { Manifest, manifestBucket } from './backup-manifest.ts';

/** Rejects with ActionFailure NO_MANIFEST. */
export async function manifestFor(
  there: S3Client,
  { Manifest: named, At, AsOf }: { readonly Manifest?: string; readonly At?: string; readonly AsOf?: string },
): Promise<Manifest> {
  const none = (why: string): ActionFailure =>
    new ActionFailure({ code: 'NO_MANIFEST', message: `${there.label} has no ${why}; nothing was restored` });
  if (!(await there.hasBucket(manifestBucket))) throw none(`bucket ${manifestBucket}, so no backup of Belay`);
  if (named !== undefined && named !== '') {
    const manifest = new Manifest(there, named.split('/')[1] ?? '');
    if (!(await manifest.stands())) throw none(`manifest ${manifest.place}`);
    return manifest;
  }
  const asOf = At === undefined || At === '' ? AsOf : undefined;
  if (asOf !== undefined && asOf !== '') {
    const first = await firstSince(there, Date.parse(asOf));
    if (first !== undefined) return new Manifest(there, first);
  }
  const until = At === undefined || At === '' ? Infinity : Date.parse(At);
  const ended = new Map<string, number>();
  for await (const { key, modifiedAt } of there.objects(manifestBucket)) {
    const [token = ''] = key.split('/');
    if (key.endsWith('.jsonl')) ended.set(token, Math.max(ended.get(token) ?? 0, Date.parse(modifiedAt)));
  }
  const [latest] = [...ended].filter(([, at]) => at <= until).toSorted(([, left], [, right]) => right - left);
  if (latest === undefined) throw none(`backup that had ended by ${At}`);
  return new Manifest(there, latest[0]);
}

/** The earliest backup of versions that was begun after that time: later ones know less of it, once versions expire. */
async function firstSince(there: S3Client, since: number): Promise<string | undefined> {
  const begun = new Map<string, number>();
  for await (const { key, modifiedAt } of there.objects(manifestBucket)) {
    const [token = ''] = key.split('/');
    // Parts are written when a page is through; its intent before.
    if (key.endsWith('-versions.intent'))
      begun.set(token, Math.min(begun.get(token) ?? Infinity, Date.parse(modifiedAt)));
  }
  const [first] = [...begun].filter(([, at]) => at > since).toSorted(([, left], [, right]) => left - right);
  return first?.[0];
}
