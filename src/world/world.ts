/**
 * The one way to the sandbox's state: `look` at it, or `change` it as a whole. A change works on a copy, which takes
 * the place of the state only after it has been saved, so an effect and its record are there together or not at all.
 */
import { settle } from './settle.ts';
import type { WorldState } from './state.ts';

export interface World {
  /** The state as of now, with every passing state that is due settled. Not to be changed by the caller. */
  look(): WorldState;
  /** Changes are made one after the other. When `mutate` or saving throws, nothing has happened. */
  change<T>(mutate: (state: WorldState) => T): Promise<T>;
  now(): number;
  /** Resolves after so long or when the signal aborts. Absent: whoever wants to wait comes back later. */
  sleep?(ms: number, signal: AbortSignal): Promise<void>;
}

export interface Clock {
  now(): number;
  sleep?(ms: number, signal: AbortSignal): Promise<void>;
}

/** Where changes are saved before they count. */
export interface Keeper {
  /** The saved state when somebody else saved a newer one, else undefined. */
  newer(): WorldState | undefined;
  save(state: WorldState): Promise<void>;
}

/** A world that is forgotten with the process. */
export function memoryWorld(state: WorldState, clock: Clock): World {
  return makeWorld(state, clock, { newer: () => undefined, save: () => Promise.resolve() });
}

export function makeWorld(initial: WorldState, clock: Clock, keeper: Keeper): World {
  let state = initial;
  let last: Promise<unknown> = Promise.resolve();

  const look = (): WorldState => {
    state = keeper.newer() ?? state;
    settle(state, clock.now());
    return state;
  };
  const apply = async <T>(mutate: (draft: WorldState) => T): Promise<T> => {
    const draft = structuredClone(look());
    const result = mutate(draft);
    await keeper.save(draft);
    state = draft;
    return result;
  };
  return {
    look,
    change: (mutate) => {
      const mine = last.then(() => apply(mutate));
      last = mine.catch(() => undefined);
      return mine;
    },
    now: () => clock.now(),
    ...(clock.sleep === undefined ? {} : { sleep: clock.sleep.bind(clock) }),
  };
}
