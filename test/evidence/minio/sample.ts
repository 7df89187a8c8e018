/** What CI takes of the whole matrix: drawn by a seed that stands in the title, so that a failure can be had again. */

/** Everything, not a sample: npm run lab:faults. */
export const isThorough = process.env['BELAY_FAULTS'] === 'all';

export const seed = Number(process.env['BELAY_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** One of them, by the seed and what it is for. */
export function pick<T>(purpose: string, from: readonly [T, ...T[]]): T {
  let state = seed | 0;
  for (const letter of purpose) state = Math.imul(state ^ letter.charCodeAt(0), 0x5bd1e995) ^ (state >>> 13);
  return from[(state >>> 0) % from.length] ?? from[0];
}
