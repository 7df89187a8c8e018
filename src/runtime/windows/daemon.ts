/** The scheduler as a process: leads a state folder by an operating-system lock, or waits until it may. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openWindowStore } from '../../journal/index.ts';
import { acquireDaemonLock, type ExecutionLock } from '../lock.ts';
import type { DaemonEnding, DaemonOptions } from './daemon-options.ts';
import { Leader } from './leader.ts';

export type { Beat, DaemonEnding, DaemonMode, DaemonOptions } from './daemon-options.ts';

const standbyMs = 1_000;

/** Throws JournalFailure and Refusal. */
export async function runDaemon(options: DaemonOptions): Promise<DaemonEnding> {
  const lock = await lead(options);
  if (lock === undefined) return { kind: options.stop.aborted ? 'stopped' : 'led' };
  const store = openWindowStore(options.belay.stateDir);
  try {
    return await new Leader(options, store).run();
  } finally {
    store.close();
    lock.release();
  }
}

async function lead({ belay, mode, stop, log, beat }: DaemonOptions): Promise<ExecutionLock | undefined> {
  let isTold = false;
  while (!stop.aborted) {
    const lock = acquireDaemonLock(belay.stateDir);
    if (lock !== undefined) return lock;
    if (mode.kind === 'once' || !mode.standby) return undefined;
    if (!isTold) log.info({ event: 'standby' }, 'another daemon leads; waiting for its end');
    isTold = true;
    beat({ leads: false, windows: [], trouble: null });
    await sleep(standbyMs, undefined, { signal: stop }).catch(() => undefined);
  }
  return undefined;
}
