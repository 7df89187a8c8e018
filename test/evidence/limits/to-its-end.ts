/** Runs an execution of a random runbook to its end, as a person would who says no to everything. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Belay } from '../../../src/runtime/belay.ts';
import { Refusal } from '../../../src/runtime/refusal.ts';

/** Waits that a person would end; then it is cancelled, and may wait again for the undo of something. */
const waitsMax = 12;

/** How often it waited. Throws where it waits for ever. `left` is called at each wait. */
export async function toItsEnd(
  belay: Belay,
  id: string,
  left: () => Promise<void> = () => Promise.resolve(),
): Promise<number> {
  for (let waits = 0; waits < waitsMax; waits += 1) {
    const ending = await belay.run(id, { onWait: 'leave' });
    if (ending.kind === 'ended') return waits;
    await left();
    if (waits === 0 || (await belay.view(id)).waiting?.kind === 'rollbackDecision') await belay.cancel(id);
    else await sayNo(belay, id);
  }
  throw new Error(`${id} waits for ever`);
}

async function sayNo(belay: Belay, id: string): Promise<void> {
  try {
    await belay.decide(id, undefined, { decision: 'reject', comment: '' });
  } catch (error) {
    // An approval of others: its step has 2 s at most.
    if (!(error instanceof Refusal) || error.code !== 'NOT_AN_APPROVER') throw error;
    await delay(500);
  }
}
