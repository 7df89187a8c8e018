/** What CI takes of the whole matrix: drawn by a seed that is in the title or the log, so that a failure can be seen again. */

/** Everything, not a sample: npm run lab:faults. */
export const isThorough = process.env['BELAY_FAULTS'] === 'all';

/** The same in every file of one run of the tests. */
export const seed = Number(
  process.env['BELAY_SEED'] ?? process.env['BELAY_RUN_SEED'] ?? Math.floor(Math.random() * 2 ** 31),
);

/** One of them, by the seed and what it is for. */
export function pick<T>(purpose: string, from: readonly [T, ...T[]]): T {
  let state = seed | 0;
  for (const letter of purpose) state = Math.imul(state ^ letter.charCodeAt(0), 0x5bd1e995) ^ (state >>> 13);
  return from[(state >>> 0) % from.length] ?? from[0];
}

/** All of them with BELAY_FAULTS=all, else one, which is said. Throws when there is none. */
export function drawn(purpose: string, from: readonly string[]): readonly string[] {
  const [first, ...rest] = from;
  if (first === undefined) throw new Error(`there is nothing to draw from for ${purpose}`);
  if (isThorough) return from;
  const one = pick(purpose, [first, ...rest]);
  console.log(`${purpose}: ${one} (BELAY_SEED=${seed} for the same, BELAY_FAULTS=all for each)`);
  return [one];
}
