/**
 * Which of the points that an untouched run passed are worth a kill. Points between which nothing happens, neither in
 * the journal nor in the world, are one: of each such group the last is taken. What is waited for is also cut in the
 * middle of its time.
 */
import type { Cut, Passed } from './scissors.ts';

/** Shorter activities have no middle that a timer would hit. */
const amidMsMin = 40;
/** An activity that takes so long to its first call has asked the world something before. */
const readingMsMin = 20;

export function killPoints(all: readonly Passed[]): Cut[] {
  // Facts about machines are written when a connection is made, and not every run makes as many.
  const passed = all.filter(({ point }) => !/ of @/.test(point));
  const cuts: Cut[] = [];
  for (const [index, here] of passed.entries()) {
    const following = passed[index + 1];
    if (following === undefined || somethingHappens(here, following)) cuts.push({ at: here.point });
    const effect = /^(?:wait|begin|stop) begins: (.*)$/.exec(here.point)?.[1];
    const end = passed.slice(index).find(({ point }) => point.endsWith(` is done: ${effect}`));
    const lastedMs = effect === undefined || end === undefined ? 0 : end.at - here.at;
    if (lastedMs >= amidMsMin) cuts.push({ at: here.point, afterMs: Math.round(lastedMs / 2) });
  }
  // The clean-up after an effect is neither a write nor an effect: one look before it is enough.
  const kept = cuts.filter(
    ({ at }, index) =>
      !(at.startsWith('before the intent') && / to forget of /.test(cuts[index - 1]?.at ?? '')),
  );
  // A second runner passes the same points as the first where it begins.
  return [...new Map(kept.map((cut) => [nameOf(cut), cut])).values()];
}

/** Whether the run did something between two points that follow each other: a write, a call to the world, an effect. */
function somethingHappens(here: Passed, following: Passed): boolean {
  const isWrite = here.point.startsWith('before the ') && following.point.startsWith('after the ');
  const isCall = here.point.startsWith('before call ') && following.point.startsWith('after call ');
  const isEffect = /^(wait|begin|stop|adopt|notify) begins: /.test(here.point);
  const callsAtOnce = following.point.startsWith('before call ') && following.at - here.at < readingMsMin;
  return isWrite || isCall || (isEffect && !callsAtOnce);
}

export function nameOf({ at, afterMs }: Cut): string {
  return afterMs === undefined ? at : `${afterMs} ms after ${at}`;
}

/** All of them with BELAY_ALL_KILLS=1; else so many, chosen by the seed (BELAY_SEED, or a new one). */
export function sample(
  cuts: readonly Cut[],
  count: number,
): { readonly cuts: Cut[]; readonly chosen: string } {
  if (process.env['BELAY_ALL_KILLS'] === '1') return { cuts: [...cuts], chosen: `all ${cuts.length} points` };
  const seed = Number(process.env['BELAY_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const next = generator(seed);
  const ranked = cuts.map((cut, index) => ({ cut, index, rank: next() })).sort((a, b) => a.rank - b.rank);
  const kept = ranked.slice(0, count).sort((a, b) => a.index - b.index);
  return {
    cuts: kept.map(({ cut }) => cut),
    chosen: `${kept.length} of ${cuts.length} points, BELAY_SEED=${seed} chooses the same`,
  };
}

/** Numbers from 0 to 1 that depend on the seed alone (mulberry32, Tommy Ettinger, public domain). */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
