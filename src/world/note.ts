/** Writes an effect into the world's journal. */
import { journalEntriesMax, type WorldState } from './state.ts';

export function note(state: WorldState, at: number, what: string, on: string): void {
  state.journal.push({ at, what, on });
  if (state.journal.length > journalEntriesMax)
    state.journal.splice(0, state.journal.length - journalEntriesMax);
}
