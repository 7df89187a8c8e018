/** What the pages of a backup share, of objects and of versions: what is copied from where to where, several at once. */
import type { S3Client } from '../../transports/s3/client.ts';
import type { ActionContext } from '../define-action.ts';
import type { Manifest } from './backup-manifest.ts';
import type { Cut } from './backup-parts.ts';
import type { OpenedTarget } from './backup-target.ts';

/** How many objects are under way at once. */
const atOnceMax = 4;

export interface PageCopying {
  readonly from: S3Client;
  readonly target: OpenedTarget;
  readonly manifest: Manifest;
  /** Of the step, see backup-token.ts. */
  readonly token: string;
  readonly cut: Cut;
  readonly context: ActionContext;
}

/** The first that fails ends the others of its group, and is thrown once they have ended: nothing goes on behind the caller's back. */
export async function inGroups<O, T>(
  objects: readonly O[],
  outer: AbortSignal,
  work: (object: O, index: number, signal: AbortSignal) => Promise<T>,
): Promise<T[]> {
  const stop = new AbortController();
  const signal = AbortSignal.any([outer, stop.signal]);
  const results: T[] = [];
  for (let from = 0; from < objects.length; from += atOnceMax) {
    const group = objects.slice(from, from + atOnceMax).map(async (object, index) => {
      try {
        return await work(object, from + index, signal);
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    });
    await Promise.allSettled(group);
    if (stop.signal.aborted) throw stop.signal.reason;
    results.push(...(await Promise.all(group)));
  }
  return results;
}

/** As many as are under way at once; none: there are no more. */
export async function nextGroup<O>(objects: AsyncIterator<O>): Promise<O[]> {
  const group: O[] = [];
  while (group.length < atOnceMax) {
    const next = await objects.next();
    if (next.done === true) break;
    group.push(next.value);
  }
  return group;
}

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
