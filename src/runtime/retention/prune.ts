/**
 * Removes executions that cannot climb down any more: first what hosts keep for them, then their rows and their folder.
 * Killed at any moment it loses nothing that is needed: an execution is marked, under its lock, before the first thing
 * goes, and its row goes last, so that the next prune finishes what this one began.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ActionFailure } from '../../actions/define-action.ts';
import { parseFields, refusal } from '../../actions/scripts/fields.ts';
import { forgetKept } from '../../actions/scripts/keep.ts';
import { keepLabel } from '../../actions/scripts/keep-key.ts';
import type { Journal } from '../../journal/index.ts';
import { HostFailure, type Host } from '../../transports/host.ts';
import { madeAt } from '../execution-id.ts';
import type { ExecutionView } from '../execution-view.ts';
import type { Runners } from '../liveness.ts';
import { executionDir } from '../state-dir.ts';
import { fateOf, type Fate } from './fate.ts';

export interface Judged {
  readonly view: ExecutionView;
  readonly fate: Fate;
}

export interface PrunePorts {
  readonly journal: Journal;
  readonly stateDir: string;
  readonly runners: Runners;
  readonly keepMs: number;
  readonly now: () => number;
  /** Undefined: what the journal has of it cannot be read, and it stays. */
  readonly view: (id: string) => Promise<ExecutionView | undefined>;
  /** Every host that the inventory of the execution names: of earlier versions nobody wrote down where they acted. */
  readonly allHosts: (id: string) => Promise<readonly string[]>;
  /** Throws ActionFailure UNKNOWN_HOST. */
  readonly host: (executionId: string, name: string) => Promise<Host>;
  /** Hosts that do not exist any more, by their user's word. */
  readonly gone: ReadonlySet<string>;
}

export interface Pruned {
  readonly removed: readonly string[];
  /** Removed as far as it went: what these hosts keep goes with the next prune. */
  readonly unfinished: readonly { readonly executionId: string; readonly hosts: readonly string[] }[];
  readonly silent: readonly { readonly host: string; readonly why: string }[];
}

/** How long one host may take, in ms. */
const hostTimeoutMs = 60_000;
/** Hosts that are asked side by side. */
const hostsAtOnce = 16;
/** Labels in one call: it stays well below what a command line takes. */
const labelsAtOnce = 200;

/** Of every execution, whether it goes. Reads only. */
export async function judge({ journal, keepMs, now, view }: PrunePorts): Promise<Judged[]> {
  const judged: Judged[] = [];
  for (const id of await journal.executionIds()) {
    const seen = await view(id);
    if (seen === undefined) continue;
    const locks = (await journal.locks(id)).length;
    judged.push({ view: seen, fate: fateOf(seen, { now: now(), keepMs, locks }) });
  }
  return judged;
}

/** Carries it out for these executions; each is judged once more, under its lock. */
export async function prune(ports: PrunePorts, ids: readonly string[]): Promise<Pruned> {
  const { journal, stateDir } = ports;
  const going: string[] = [];
  for (const id of ids) if (await mark(ports, id)) going.push(id);
  const silent = await forgetOnHosts(ports, going);
  const removed: string[] = [];
  const unfinished: { executionId: string; hosts: string[] }[] = [];
  for (const id of going) {
    const hosts = (await journal.keptOn(id)) ?? [];
    if (hosts.length > 0) {
      unfinished.push({ executionId: id, hosts });
      continue;
    }
    // The row last: a folder without a row is nobody's, a row without a folder still says what is to be done.
    rmSync(executionDir(stateDir, id), { recursive: true, force: true });
    await journal.remove(id);
    removed.push(id);
  }
  return { removed, unfinished, silent };
}

/** Nobody runs it, and from now on nobody may. */
async function mark(ports: PrunePorts, id: string): Promise<boolean> {
  const { journal, runners, keepMs, now, view, allHosts, gone } = ports;
  const lock = await runners.take(id);
  if (lock === undefined) return false;
  try {
    // This process holds its lock: seen from here it looks as if it were under way.
    const found = await view(id);
    if (found === undefined) return false;
    const seen = { ...found, isLive: false };
    if (fateOf(seen, { now: now(), keepMs, locks: (await journal.locks(id)).length }).kind !== 'goes')
      return false;
    const known = await journal.keptOn(id);
    await journal.beginForgetting(id, now(), seen.sandbox ? [] : (known ?? (await allHosts(id))));
    for (const host of (await journal.keptOn(id)) ?? [])
      if (gone.has(host)) await journal.dropKeptOn(id, host);
    return true;
  } finally {
    lock.release();
  }
}

async function forgetOnHosts(ports: PrunePorts, ids: readonly string[]): Promise<Pruned['silent']> {
  const { journal } = ports;
  const byHost = new Map<string, string[]>();
  for (const id of ids) {
    for (const host of (await journal.keptOn(id)) ?? []) byHost.set(host, [...(byHost.get(host) ?? []), id]);
  }
  const silent: { host: string; why: string }[] = [];
  const waiting = [...byHost];
  const worker = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [name, executions] = next;
      const why = await forgetOn(ports, name, executions);
      if (why !== null) silent.push({ host: name, why });
    }
  };
  await Promise.all(Array.from({ length: hostsAtOnce }, worker));
  return silent.toSorted((left, right) => left.host.localeCompare(right.host, 'en', { numeric: true }));
}

/** Null: the host keeps nothing for them any more. */
async function forgetOn(ports: PrunePorts, name: string, ids: readonly string[]): Promise<string | null> {
  for (let at = 0; at < ids.length; at += labelsAtOnce) {
    const some = ids.slice(at, at + labelsAtOnce);
    const why = await forgetLabels(() => ports.host(some[0] ?? '', name), some.map(keepLabel));
    if (why !== null) return why;
    for (const id of some) await ports.journal.dropKeptOn(id, name);
  }
  return null;
}

/** Null: the host keeps nothing under these labels any more. */
export async function forgetLabels(
  open: () => Host | Promise<Host>,
  labels: readonly string[],
): Promise<string | null> {
  try {
    const { stdout, exitCode, stderr } = await (
      await open()
    ).read(forgetKept(labels), {
      signal: AbortSignal.timeout(hostTimeoutMs),
      timeoutMs: hostTimeoutMs,
    });
    const fields = parseFields(stdout);
    const gone = new Set(fields.rows('gone').map(([label]) => label));
    if (labels.every((label) => gone.has(label))) return null;
    const last = stderr.trim().split('\n').at(-1);
    return refusal(fields)?.text ?? `its answer was not whole (exit code ${exitCode}): ${last ?? ''}`;
  } catch (error) {
    if (error instanceof HostFailure || error instanceof ActionFailure) return error.message;
    throw error;
  }
}

/** Folders that belong to no row: left by a run that was killed while it started. Nobody holds their lock. */
export async function orphanFolders(
  { journal, stateDir, runners, now }: PrunePorts,
  olderThanMs: number,
): Promise<string[]> {
  const known = new Set(await journal.executionIds());
  const orphans: string[] = [];
  for (const id of foldersIn(join(stateDir, 'executions'))) {
    if (known.has(id) || !/^[0-9A-HJKMNP-TV-Z]{12}$/.test(id) || now() - madeAt(id) < olderThanMs) continue;
    const lock = await runners.take(id);
    lock?.release();
    if (lock !== undefined) orphans.push(id);
  }
  return orphans;
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}
