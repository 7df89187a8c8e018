/** Starts teller.ts, a process that tells people of what a state folder holds, at an instant of the test's choice. */
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Compiled modules are kept from one process to the next: half of the start-up time. */
const compileCache = join(tmpdir(), 'belay-test-compiled');
const teller = join(import.meta.dirname, 'teller.ts');

export interface Told {
  /** What ended it; null: it ended by itself. */
  readonly signal: string | null;
  readonly stdout: string;
}

export interface Telling {
  readonly state: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Which write it is killed at; left out, none. */
  readonly kill?: { readonly at: number; readonly side: 'before' | 'after' };
  readonly env?: Readonly<Record<string, string>>;
}

export function tell({ state, now, kill, env = {} }: Telling): Promise<Told> {
  const { promise, resolve, reject } = Promise.withResolvers<Told>();
  const words = [teller, state, String(now), String(kill?.at ?? 0), kill?.side ?? 'before'];
  execFile(
    process.execPath,
    words,
    { env: { ...process.env, NODE_COMPILE_CACHE: compileCache, ...env } },
    (error, stdout, stderr) => {
      if (stderr === '') resolve({ signal: error?.signal ?? null, stdout });
      else reject(new Error(stderr));
    },
  );
  return promise;
}
