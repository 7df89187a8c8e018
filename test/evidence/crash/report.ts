/** Prints what a series was: how many kills, how long. The numbers of CI's log. */
import type { Cut } from './scissors.ts';

export async function report(
  what: string,
  cuts: readonly Cut[],
  chosen: string,
  run: () => Promise<void>,
): Promise<void> {
  const startedAt = Date.now();
  try {
    await run();
  } finally {
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    process.stderr.write(`${what}: ${cuts.length} kills (${chosen}) in ${seconds} s\n`);
  }
}
