/**
 * A process that tells people, and is killed by SIGKILL at one of its writes. Words: state folder, instant in ms, which write
 * (0: none), `before` or `after` it. Prints how many writes it made.
 */
import { openSqliteJournal, type Outbox } from '../../../src/journal/index.ts';
import { peopleWords } from '../../../src/cli/view/people-words.ts';
import { configurationFiles } from '../../../src/runtime/configuration.ts';
import { Notifier } from '../../../src/runtime/notify/notifier.ts';

const [, , stateDir = '', now = '', at = '0', side = 'before'] = process.argv;
const journal = openSqliteJournal(stateDir);
const notifier = new Notifier({
  stateDir,
  configurations: configurationFiles(stateDir, process.env),
  env: process.env,
  journal: () => journal,
  words: () => Promise.resolve(peopleWords),
  now: () => Number(now),
});
let writes = 0;
const { outbox } = notifier;
for (const name of ['put', 'begin', 'failed', 'settle', 'fold'] as const) watch(outbox, name);
const troubles = await notifier.finish(20_000);
process.stdout.write(JSON.stringify({ writes, troubles }));
notifier.close();
journal.close();

function watch(on: Outbox, name: 'put' | 'begin' | 'failed' | 'settle' | 'fold'): void {
  const write = on[name].bind(on) as (...given: readonly unknown[]) => unknown;
  Object.defineProperty(on, name, {
    value: (...given: readonly unknown[]) => {
      writes += 1;
      const isTheOne = writes === Number(at);
      if (isTheOne && side === 'before') process.kill(process.pid, 'SIGKILL');
      const result = write(...given);
      if (isTheOne) process.kill(process.pid, 'SIGKILL');
      return result;
    },
  });
}
