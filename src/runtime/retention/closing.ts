/** A person's last word on an execution: nothing of it goes on, and nothing is taken back. */
import type { Closing, ExecutionRow, Journal, LockRow } from '../../journal/index.ts';
import { HostFailure } from '../../transports/host.ts';
import { ActionFailure } from '../../actions/define-action.ts';
import type { Runners } from '../liveness.ts';
import { giveEntry, ownerOf } from '../locks/lock-entry.ts';
import type { Transports } from '../transports.ts';
import { Refusal } from '../refusal.ts';

/** How long the hosts may take over giving locks back, in ms. */
const giveTimeoutMs = 60_000;

/** Throws Refusal where nothing of the execution may run any more. */
export function refuseClosed({ id, closing, forgottenAt }: ExecutionRow): void {
  if (forgottenAt !== null) {
    const when = new Date(forgottenAt).toISOString();
    throw new Refusal(
      'refused',
      'FORGOTTEN',
      `what was kept for the undo of ${id} is being removed since ${when}; it cannot go on, nor be taken back`,
      { hint: 'belay prune finishes that' },
    );
  }
  if (closing === null) return;
  const when = new Date(closing.at).toISOString();
  throw new Refusal(
    'refused',
    'CLOSED',
    `${id} was ${closing.kind} by ${closing.by} at ${when}: ${closing.why}. Nothing of it goes on, and nothing is taken back`,
    { hint: `belay show ${id} says what it left` },
  );
}

/** Returns locks that could not be given back, and why. Throws Refusal where it is under way or closed already. */
export async function discard(
  { journal, runners }: { readonly journal: Journal; readonly runners: Runners },
  id: string,
  said: Omit<Closing, 'kind'>,
  hasEnded: boolean,
  transports: () => Promise<Transports>,
): Promise<{ readonly lock: string; readonly why: string }[]> {
  const lock = await runners.take(id);
  if (lock === undefined) {
    throw new Refusal('refused', 'ALREADY_RUNNING', `${id} is under way; it was not discarded`, {
      hint: `belay cancel ${id} stops it and climbs down`,
    });
  }
  try {
    const row = await journal.execution(id);
    if (row === undefined) throw new Refusal('usage', 'UNKNOWN_EXECUTION', `there is no execution ${id}`);
    refuseClosed(row);
    const kind = hasEnded ? 'closed' : 'discarded';
    await journal.setClosing(id, { kind, ...said });
    const held = await journal.locks(id);
    return held.length === 0 ? [] : await giveBack(journal, id, held, transports);
  } finally {
    lock.release();
  }
}

async function giveBack(
  journal: Journal,
  id: string,
  held: readonly LockRow[],
  transports: () => Promise<Transports>,
): Promise<{ readonly lock: string; readonly why: string }[]> {
  const kept: { lock: string; why: string }[] = [];
  const signal = AbortSignal.timeout(giveTimeoutMs);
  let opened: Transports | undefined;
  try {
    for (const row of held) {
      try {
        if (row.host !== null && row.hasEntry && row.scope === '') {
          opened ??= await transports();
          await giveEntry(opened.host(row.host), ownerOf(await journal.folderId(), id), signal);
        }
        await journal.dropLocks([row]);
      } catch (error) {
        if (!(error instanceof HostFailure || error instanceof ActionFailure)) throw error;
        kept.push({ lock: row.name, why: error.message });
      }
    }
    return kept;
  } finally {
    await opened?.close();
  }
}
