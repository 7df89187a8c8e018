/**
 * Which lab a test may have. A slot is an operating-system lock on a file, held by a child that ends with its
 * parent: a killed test frees its slot, and whoever takes the slot next clears what that test left.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { command, LabFailure, stateFolder, type LabId } from './command.ts';

/**
 * Tests share these, so at most three of their labs are up at once. 0 is the one for people at the command line.
 * BELAY_TEST_LABS=4,5 keeps a second test run on the same machine out of the first one's way.
 */
const testLabs: readonly LabId[] = (process.env['BELAY_TEST_LABS'] ?? '1,2,3')
  .split(',')
  .map((id) => Number(id) as LabId);
const waitMsMax = 300_000;
const pollMs = 500;

export interface Slot {
  readonly id: LabId;
  release(): Promise<void>;
}

/** The lock of one lab, or undefined when another process holds it. */
export async function holdSlot(id: LabId): Promise<Slot | undefined> {
  // A session of its own: an interrupt at the terminal must not free the slot before the lab is down.
  const holder = spawn(
    'flock',
    ['-n', `${stateFolder(id)}.lock`, 'sh', '-c', 'echo held; exec cat >/dev/null'],
    {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    },
  );
  const ended = once(holder, 'close');
  const held = await Promise.race([once(holder.stdout, 'data').then(() => true), ended.then(() => false)]);
  if (!held) return undefined;
  return {
    id,
    release: async () => {
      holder.stdin.end();
      await ended;
    },
  };
}

/** A lab that people keep up between commands is not a test's to take. */
function keptMark(id: LabId): string {
  return join(stateFolder(id), 'kept');
}

export function keep(id: LabId): void {
  writeFileSync(keptMark(id), '');
}

/** A free lab for a test, with the remains of a killed one cleared. Rejects with LabFailure after five minutes. */
export async function takeSlot(): Promise<Slot> {
  const deadline = Date.now() + waitMsMax;
  for (;;) {
    for (const id of testLabs) {
      const slot = await holdSlot(id);
      if (slot === undefined) continue;
      if (!existsSync(keptMark(id))) {
        await command(id, 'down');
        return slot;
      }
      await slot.release();
    }
    if (Date.now() > deadline) {
      throw new LabFailure(
        'NoFreeLab',
        `all of the labs ${testLabs.join(', ')} were in use for ${waitMsMax / 1000} s; ` +
          'end another test run, or end a lab kept at the command line with: npm run lab -- down',
      );
    }
    await sleep(pollMs);
  }
}
