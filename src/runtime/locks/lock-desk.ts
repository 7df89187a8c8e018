/** Who holds what, and freeing it: in a state folder, and on the hosts of belay.yaml. */
import type { Journal } from '../../journal/index.ts';
import type { Configurations } from '../configuration.ts';
import type { Runners } from '../liveness.ts';
import type { openTransports, Transports } from '../transports.ts';
import {
  findUnlocking,
  freeLocks,
  heldHere,
  heldOnHosts,
  type HostSurvey,
  type Unlocking,
} from './survey.ts';

export interface LockDeskPorts {
  readonly journal: Journal;
  readonly runners: Runners;
  readonly stateDir: string;
  readonly configurations: Configurations;
  readonly openTransports: typeof openTransports;
  readonly now: () => number;
}

/** What would be freed; `free` frees it. */
export type FoundUnlocking = Unlocking & { free(): Promise<HostSurvey['silent']> };

/** In this state folder, and with `hosts` by the entries on every host of belay.yaml. */
export async function surveyLocks(
  ports: LockDeskPorts,
  { hosts }: { readonly hosts: boolean },
): Promise<HostSurvey> {
  const { journal, runners } = ports;
  const here = await heldHere(journal, runners);
  if (!hosts) return { held: here, silent: [] };
  return withHosts(ports, async (transports, names) => {
    const there = await heldOnHosts(journal, runners, names, transports);
    return { held: [...here, ...there.held], silent: there.silent };
  });
}

/** Hands over what would be freed. Throws Refusal. */
export function unlock<T>(
  ports: LockDeskPorts,
  lock: string,
  holder: string,
  decide: (found: FoundUnlocking) => Promise<T>,
): Promise<T> {
  const { journal, runners } = ports;
  return withHosts(ports, async (transports) => {
    const found = await findUnlocking(journal, runners, transports, lock, holder);
    return decide({ ...found, free: () => freeLocks(journal, transports, found) });
  });
}

async function withHosts<T>(
  { configurations, stateDir, openTransports: open, now }: LockDeskPorts,
  work: (transports: Transports, names: readonly string[]) => Promise<T>,
): Promise<T> {
  const { inventory } = configurations.find();
  const transports = await open({ sandbox: false, inventory, stateDir, executionId: 'locks', now });
  try {
    return await work(transports, inventory?.names ?? []);
  } finally {
    await transports.close();
  }
}
