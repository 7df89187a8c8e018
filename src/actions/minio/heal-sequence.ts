/**
 * One pass of MinIO's heal over everything, by its admin API. The server keeps a pass in the memory of the node that was
 * asked and hands each result out once; so one pass is followed through one node, and a runner that died begins anew.
 * Source: minio/minio cmd/admin-heal-ops.go, minio/madmin-go heal-commands.go.
 */
import type { JsonObject } from '../../json.ts';
import { askAdmin, objectIn, objectsIn, textIn } from './admin.ts';
import type { KeyInputs, Node } from './cluster.ts';
import { shownObject } from './pieces/names.ts';

export interface HealPass {
  readonly clientToken: string;
  scanned: number;
  healed: number;
  /** What the pass could not make whole: the server calls it a success. The first few, for people. */
  readonly failures: string[];
  failed: number;
  /** How many of the failed lack nothing but drives that the healing node does not reach. */
  unreached: number;
  /** Objects that the pass did not find: deleted since it listed them, or removed by it because too few pieces were left. */
  readonly gone: string[];
  goneCount: number;
}

/** As many as a message names. */
const failuresKept = 10;
const goneKept = 1_000;
/** In the words of cmd/object-api-errors.go; a version has its own, and a bucket that is deleted meanwhile. */
const notFound = /^(?:Object|Version|Bucket) not found: /;

/** Recursive over all buckets. `forceStart` ends a pass that somebody has left running. */
export async function beginPass(node: Node, key: KeyInputs, signal: AbortSignal): Promise<HealPass> {
  const settings = { recursive: true, dryRun: false, remove: false, recreate: false, scanMode: 1 };
  const text = await askAdmin(
    node,
    key,
    {
      method: 'POST',
      path: '/heal/',
      query: { forceStart: 'true' },
      body: Buffer.from(JSON.stringify(settings)),
    },
    signal,
  );
  const clientToken = textIn(objectIn(JSON.parse(text)), 'clientToken');
  if (clientToken === '') throw new TypeError(`MinIO began a heal without a token: ${text.slice(0, 200)}`);
  return {
    clientToken,
    scanned: 0,
    healed: 0,
    failures: [],
    failed: 0,
    unreached: 0,
    gone: [],
    goneCount: 0,
  };
}

/** A node takes up a drive that came back some seconds after its neighbours do: it calls it `offline`, then `unknown` or `unformatted`. */
const isUnreached = (state: string): boolean => /^(?:offline|unformatted|unknown)\b/.test(state);

export type PassState =
  | { readonly kind: 'running' }
  | { readonly kind: 'finished' }
  | { readonly kind: 'forgotten' }
  | { readonly kind: 'stopped'; readonly why: string };

/** Takes in the results since the last call. */
export async function followPass(
  node: Node,
  key: KeyInputs,
  pass: HealPass,
  signal: AbortSignal,
): Promise<PassState> {
  const query = { clientToken: pass.clientToken };
  const text = await askAdmin(node, key, { method: 'POST', path: '/heal/', query }, signal);
  const status = objectIn(JSON.parse(text));
  for (const item of objectsIn(status, 'Items')) takeIn(pass, item);
  if (textIn(status, 'StartTime').startsWith('0001-')) {
    // A node that was restarted has forgotten the pass, and calls it finished.
    return { kind: 'forgotten' };
  }
  const why = textIn(status, 'Detail');
  switch (textIn(status, 'Summary')) {
    case 'finished':
      return { kind: 'finished' };
    case 'stopped':
      return { kind: 'stopped', why: why === '' ? 'the server gives no reason' : why };
    default:
      return { kind: 'running' };
  }
}

function takeIn(pass: HealPass, item: JsonObject): void {
  const drives = (side: string) =>
    objectsIn(objectIn(item[side]), 'drives').map((drive) => textIn(drive, 'state'));
  const [before, after] = [drives('before'), drives('after')];
  const ok = (states: readonly string[]) => states.filter((state) => state === 'ok').length;
  const detail = textIn(item, 'detail');
  const place = [textIn(item, 'bucket'), textIn(item, 'object')].filter((part) => part !== '').join('/');
  const name = shownObject(Buffer.from(place).toString('latin1'), textIn(item, 'versionId'));
  if (textIn(item, 'type') === 'object') pass.scanned += 1;
  if (ok(after) > ok(before)) pass.healed += 1;
  const left = after.filter((state) => state !== 'ok');
  if (detail === '' && left.length === 0) return;
  if (notFound.test(detail)) {
    pass.goneCount += 1;
    if (pass.gone.length < goneKept) pass.gone.push(name);
    return;
  }
  pass.failed += 1;
  if (left.length > 0 && left.every(isUnreached)) pass.unreached += 1;
  if (pass.failures.length < failuresKept) {
    const why =
      detail === '' ? `${left.length} of ${after.length} drives ${[...new Set(left)].join(', ')}` : detail;
    pass.failures.push(`${name === '' ? textIn(item, 'type') : name} (${why})`);
  }
}
