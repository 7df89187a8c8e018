/** Names of locks → what has to be held for them: rows of the journal, and entries on hosts. */
import type { NewLock } from '../../journal/index.ts';

export interface WantedLock extends NewLock {
  /** Every name under which it was asked for, and how many of the hosts of that name must have an entry. */
  readonly asks: readonly { readonly asked: string; readonly quorum: number }[];
}

/**
 * `host:NAME` is the host; `cluster:GROUP` is every host of the group, and each of them excludes whoever wants that host
 * alone. Of a cluster a majority has to answer: two majorities share a host, so one of them is refused, and a member
 * that is down does not keep a rolling runbook from repairing it. All else is held in the journal alone, and so is
 * everything in a sandbox, which nobody shares. Throws ActionFailure UNKNOWN_TARGET.
 */
export function wantedLocks(
  names: readonly string[],
  isSandbox: boolean,
  targets: (selectors: readonly string[]) => readonly string[],
): WantedLock[] {
  const wanted = new Map<string, WantedLock>();
  const want = (lock: NewLock, quorum: number): void => {
    const known = wanted.get(lock.name);
    const ask = { asked: lock.asked, quorum };
    wanted.set(
      lock.name,
      known === undefined ? { ...lock, asks: [ask] } : { ...known, asks: [...known.asks, ask] },
    );
  };
  for (const asked of names) {
    const colon = asked.indexOf(':');
    const [kind, name] = [asked.slice(0, colon), asked.slice(colon + 1)];
    if (isSandbox || (kind !== 'host' && kind !== 'cluster')) {
      want({ name: asked, asked, host: null }, 0);
      continue;
    }
    const hosts = targets([kind === 'host' ? name : `group:${name}`]);
    const quorum = Math.floor(hosts.length / 2) + 1;
    if (kind === 'cluster') want({ name: asked, asked, host: null }, 0);
    for (const host of hosts) want({ name: `host:${host}`, asked, host }, quorum);
  }
  return [...wanted.values()].toSorted((left, right) => (left.name < right.name ? -1 : 1));
}
