/**
 * A check in a process of its own that is killed at a stated journal write: `killed-check.ts FOLDER STATE WRITE before|after`. STATE: broken or
 * kept is what the check sees. WRITE 0: nothing is killed. Its host is not asked; the journal, the outbox and the kill are real.
 */
import { join } from 'node:path';
import { parseRules } from '../../../src/compliance/index.ts';
import { createCheckCatalog } from '../../../src/actions/index.ts';
import { openComplianceStore, openSqliteJournal } from '../../../src/journal/index.ts';
import { handOver } from '../../../src/runtime/compliance/hand-over.ts';
import { runCheck } from '../../../src/runtime/compliance/run-check.ts';
import { configurationFiles } from '../../../src/runtime/configuration.ts';
import { Notifier } from '../../../src/runtime/notify/notifier.ts';
import type { Transports } from '../../../src/runtime/transports.ts';
import { localTestHost } from '../../actions/host/local.ts';

const [, , folder = '', state = '', write = '0', phase = 'before'] = process.argv;
let writes = 0;
const die = (): never => {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('killed');
};

/** Counts every write, and dies at the one that was asked for. */
function mortal<T extends object>(of: T, names: readonly string[]): T {
  return new Proxy(of, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      const call = (...args: unknown[]): unknown => Reflect.apply(member, target, args);
      if (!names.includes(String(name))) return call;
      return (...args: unknown[]): unknown => {
        writes += 1;
        if (writes === Number(write) && phase === 'before') die();
        const answer = call(...args);
        if (writes === Number(write)) die();
        return answer;
      };
    },
  });
}

const text = `Name: base
Rules:
  - { Name: r, Check: check:file, Targets: here, Inputs: { Path: ${folder}/asked, State: ${state === 'kept' ? 'absent' : 'file'} } }`;
const { ruleSet } = parseRules({ file: 'base.yaml', text }, createCheckCatalog());
if (ruleSet === undefined) throw new Error('the rules are wrong');
await using here = localTestHost();
const store = mortal(openComplianceStore(folder), ['begin', 'finish', 'takeEvents']);
const journal = openSqliteJournal(folder);
const notifier = new Notifier({
  stateDir: folder,
  configurations: configurationFiles(folder, { ...process.env, BELAY_CONFIG: join(folder, 'belay.yaml') }),
  env: { ...process.env, BELAY_CONFIG: join(folder, 'belay.yaml') },
  journal: () => journal,
  words: async () => (await import('../../../src/cli/view/people-words.ts')).peopleWords,
  now: Date.now,
});
const told = mortal(notifier, ['tell']);
const transports = {
  host: () => here.host,
  targets: (names: readonly string[]) => names,
} as unknown as Transports;
handOver(store, told, new Map(), Date.now);
await runCheck(ruleSet, {
  stateDir: folder,
  store,
  transports,
  signal: AbortSignal.timeout(60_000),
  now: Date.now,
  secretSources: {
    env: {},
    stdin: () => Promise.resolve(''),
    aws: () => Promise.reject(new Error('no AWS')),
  },
});
handOver(store, told, new Map(), Date.now);
await notifier.finish(5_000);
notifier.close();
journal.close();
process.stdout.write(`${writes}\n`);
