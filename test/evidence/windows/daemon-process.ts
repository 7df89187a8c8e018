/**
 * A daemon as a process, killed by SIGKILL at one of its writes, with a clock that the test sets. The one word is a JSON object (DaemonWish).
 * Prints `{"writes": N, "ending": …}` when it ends by itself; its log goes to stderr.
 */
import { readFileSync } from 'node:fs';
import { openWindowStore, type WindowStore } from '../../../src/journal/index.ts';
import { Belay } from '../../../src/runtime/belay.ts';
import { peopleWords } from '../../../src/cli/view/people-words.ts';
import { acquireDaemonLock } from '../../../src/runtime/lock.ts';
import { windowsFolderOf } from '../../../src/runtime/windows/desk.ts';
import { Leader } from '../../../src/runtime/windows/leader.ts';

export interface DaemonWish {
  readonly state: string;
  readonly folder: string;
  readonly belay: string;
  readonly once: boolean;
  /** Which write it is killed at; 0: none. */
  readonly at: number;
  readonly side: 'before' | 'after';
  /** A file with the ms by which its clock is ahead; read each time. Absent: it is right. */
  readonly clock?: string;
}

const wish = JSON.parse(process.argv[2] ?? '') as DaemonWish;
const { state, folder: cwd, clock } = wish;
const { env } = process;
const now = (): number => Date.now() + (clock === undefined ? 0 : Number(readFileSync(clock, 'utf8')));
const written = new Set(['see', 'decide', 'save', 'say', 'unsay', 'forget']);
let writes = 0;

function mortal(store: WindowStore): WindowStore {
  return new Proxy(store, {
    get: (target, name: keyof WindowStore) => {
      const member = target[name].bind(target) as (...given: readonly unknown[]) => unknown;
      if (!written.has(name)) return member;
      return (...given: readonly unknown[]) => {
        writes += 1;
        const isTheOne = writes === wish.at;
        if (isTheOne && wish.side === 'before') process.kill(process.pid, 'SIGKILL');
        const result = member(...given);
        if (isTheOne) process.kill(process.pid, 'SIGKILL');
        return result;
      };
    },
  });
}

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const say =
  (level: string) =>
  (fields: Readonly<Record<string, unknown>>, message: string): void => {
    process.stderr.write(`${JSON.stringify({ level, ...fields, message })}\n`);
  };
const belay = new Belay({
  state,
  cwd,
  env,
  stdin: () => Promise.resolve(''),
  words: () => Promise.resolve(peopleWords),
});
const lock = acquireDaemonLock(state);
if (lock === undefined) throw new Error('another daemon leads');
const store = openWindowStore(state);
const leader = new Leader(
  {
    belay,
    cwd,
    env,
    folder: () => windowsFolderOf({ cwd, env, dir: undefined }),
    command: [process.execPath, wish.belay],
    now,
    mode: wish.once ? { kind: 'once' } : { kind: 'service', standby: false, onStop: 'leave' },
    log: { info: say('info'), warn: say('warn') },
    beat: () => undefined,
    stop: stop.signal,
    takeReload: () => false,
  },
  mortal(store),
);
const ending = await leader.run();
process.stdout.write(JSON.stringify({ writes, ending }));
store.close();
lock.release();
belay.close();
