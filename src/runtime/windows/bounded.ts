/** Work of this process that may never end by itself, such as a library that reads what a stranger wrote. */
import { createContext, Script } from 'node:vm';

export class TookTooLong extends Error {
  override readonly name = 'TookTooLong';
}

const script = new Script('work()');

/** Runs it here and now, and ends it when its time is over. Throws TookTooLong, and what it throws. */
export function bounded<T>(work: () => T, ms: number): T {
  const made: T[] = [];
  const context = createContext({ work: () => void made.push(work()) });
  try {
    // The engine itself ends what runs under it, whichever function that is in.
    script.runInContext(context, { timeout: ms });
  } catch (error) {
    if (isTimeout(error)) throw new TookTooLong(`it took longer than ${ms} ms`);
    throw error;
  }
  const [result] = made;
  return result as T;
}

/** It is an error of the other realm, so no instance of ours. */
function isTimeout(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
  );
}
