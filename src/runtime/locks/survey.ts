/** Who holds what, and freeing what nobody will give back. `belay locks`, `belay unlock` and `belay doctor` ask here. */
import { ActionFailure } from '../../actions/define-action.ts';
import type { Journal, LockRow } from '../../journal/index.ts';
import { HostFailure } from '../../transports/host.ts';
import type { Transports } from '../transports.ts';
import type { Runners } from '../liveness.ts';
import { Refusal } from '../refusal.ts';
import { giveEntry, lookAtEntry } from './lock-entry.ts';
import { holderOfEntry, holderOfRow, type Holder } from './holders.ts';
import { wantedLocks } from './lock-names.ts';

export interface HeldLock {
  readonly lock: string;
  /** As it was asked for: `cluster:minio`. */
  readonly asked: string;
  readonly holder: Holder;
  /** Where it was found: in this state folder's journal, or on the target itself. */
  readonly foundOn: 'journal' | 'target';
  /** The target that has an entry of it, or may have. */
  readonly host: string | null;
  /** Of an entry: whose it is. */
  readonly owner?: string;
}

export interface HostSurvey {
  readonly held: readonly HeldLock[];
  readonly silent: readonly { readonly host: string; readonly why: string }[];
}

/** How long the hosts may take, in ms. */
const surveyTimeoutMs = 60_000;

/** What this state folder holds of the real world. */
export async function heldHere(journal: Journal, runners: Pick<Runners, 'isAlive'>): Promise<HeldLock[]> {
  const held: HeldLock[] = [];
  for (const row of await journal.locks()) {
    const { scope, name: lock, asked, host } = row;
    if (scope !== '') continue;
    held.push({ lock, asked, holder: await holderOfRow(journal, runners, row), foundOn: 'journal', host });
  }
  return held;
}

/** What the hosts' own entries say. */
export async function heldOnHosts(
  journal: Journal,
  runners: Pick<Runners, 'isAlive'>,
  hosts: readonly string[],
  transports: Pick<Transports, 'host'>,
): Promise<HostSurvey> {
  const held: HeldLock[] = [];
  const silent: { host: string; why: string }[] = [];
  const signal = AbortSignal.timeout(surveyTimeoutMs);
  const look = async (name: string): Promise<void> => {
    try {
      const answer = await lookAtEntry(transports.host(name), signal);
      if (answer.kind !== 'held') return;
      const { entry } = answer;
      held.push({
        lock: `host:${name}`,
        asked: entry.lock,
        holder: await holderOfEntry(journal, runners, entry),
        foundOn: 'target',
        host: name,
        owner: entry.owner,
      });
    } catch (error) {
      if (!(error instanceof HostFailure || error instanceof ActionFailure)) throw error;
      silent.push({ host: name, why: error.message });
    }
  };
  await Promise.all(hosts.map(look));
  return { held, silent };
}

export interface Unlocking extends HostSurvey {
  readonly rows: readonly LockRow[];
}

/** What `belay unlock` would free. Throws Refusal: nothing is held so, or the holder is alive. */
export async function findUnlocking(
  journal: Journal,
  runners: Pick<Runners, 'isAlive'>,
  transports: Pick<Transports, 'host' | 'targets'>,
  lock: string,
  holderId: string,
): Promise<Unlocking> {
  const prefix = holderId.toUpperCase();
  const wanted = wantedOrRefused(lock, transports);
  const names = new Set(wanted.map(({ name }) => name));
  const isMeant = (held: HeldLock): boolean => held.holder.executionId.toUpperCase().startsWith(prefix);
  const here = (await heldHere(journal, runners)).filter(
    (held) => names.has(held.lock) || held.asked === lock,
  );
  const hosts = wanted.flatMap(({ host }) => (host === null ? [] : [host]));
  const survey = await heldOnHosts(journal, runners, hosts, transports);
  const all = [...here, ...survey.held];
  const meant = all.filter(isMeant);
  const live = meant.find(({ holder }) => holder.condition === 'underWay');
  if (live !== undefined) {
    const id = live.holder.executionId;
    throw new Refusal('refused', 'HOLDER_ALIVE', `${id} holds ${lock} and is under way; nothing was freed`, {
      hint: `belay cancel ${id} stops it and climbs down`,
    });
  }
  if (meant.length === 0) {
    const others = [...new Set(all.map(({ holder }) => holder.executionId))];
    const who = others.length === 0 ? 'nobody holds it' : `it is held by ${others.join(', ')}`;
    const quiet = survey.silent.map(({ why }) => `\n  ${why}`).join('');
    throw new Refusal('refused', 'NOT_HELD', `${lock} is not held by ${holderId}: ${who}${quiet}`, {
      hint: 'belay locks --hosts shows what is held',
    });
  }
  const rowNames = new Set(meant.filter(({ foundOn }) => foundOn === 'journal').map((held) => held.lock));
  return {
    held: meant,
    silent: survey.silent,
    rows: (await journal.locks()).filter(({ scope, name }) => scope === '' && rowNames.has(name)),
  };
}

/** Frees it. Returns what could not be freed. */
export async function freeLocks(
  journal: Journal,
  transports: Pick<Transports, 'host'>,
  { held, rows }: Unlocking,
): Promise<HostSurvey['silent']> {
  const left: { host: string; why: string }[] = [];
  const signal = AbortSignal.timeout(surveyTimeoutMs);
  for (const { host, owner } of held) {
    if (host === null || owner === undefined) continue;
    try {
      await giveEntry(transports.host(host), owner, signal);
    } catch (error) {
      if (!(error instanceof HostFailure || error instanceof ActionFailure)) throw error;
      left.push({ host, why: error.message });
    }
  }
  await journal.dropLocks(rows);
  return left;
}

function wantedOrRefused(
  lock: string,
  transports: Pick<Transports, 'targets'>,
): ReturnType<typeof wantedLocks> {
  if (!lock.includes(':')) {
    throw new Refusal('usage', 'LOCK_NAME', `${lock} is not a lock`, {
      hint: 'a lock is named KIND:NAME, as host:db1 or cluster:minio; belay locks shows what is held',
    });
  }
  try {
    return wantedLocks([lock], false, (selectors) => transports.targets(selectors));
  } catch (error) {
    if (!(error instanceof ActionFailure)) throw error;
    throw new Refusal('usage', error.code, `${lock}: ${error.message}`);
  }
}
