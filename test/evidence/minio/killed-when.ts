/** A run that is killed by kill -9 as soon as something has come about. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Going, Said } from '../../support/command-line.ts';

/** On a fast machine it may have come to its end before: then its code is not null. */
export async function killedWhen(going: Going, holds: () => Promise<boolean>): Promise<Said> {
  const isOver = going.said.then(() => true);
  const look = () => holds().catch(() => false);
  while (!(await Promise.race([isOver, look()]))) await sleep(5);
  going.process.kill('SIGKILL');
  return going.said;
}
