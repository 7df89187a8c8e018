/** Runners that are killed by kill -9 when they have begun something, and followed by another one each time. */
import { setTimeout as delay } from 'node:timers/promises';
import { idOf, type Desk, type Going, type Said } from '../support/command-line.ts';

/** At each mark, in order, the runner is killed and the run resumed. Resolves to what the last runner said. */
export async function killedAt(desk: Desk, going: Going, marks: readonly RegExp[]): Promise<Said> {
  let runner = going;
  for (const mark of marks) {
    await runner.writes(mark);
    runner.process.kill('SIGKILL');
    runner = desk.start(['resume', idOf(await runner.said)]);
  }
  return runner.said;
}

/** Asks again and again until it holds. Throws after `atMostMs`. */
export async function untilTrue(holds: () => boolean | Promise<boolean>, atMostMs = 60_000): Promise<void> {
  for (const giveUpAt = Date.now() + atMostMs; !(await holds()); await delay(20)) {
    if (Date.now() > giveUpAt) throw new Error(`it did not become so in ${atMostMs / 1000} s`);
  }
}
