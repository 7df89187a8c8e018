/** The hosts of the engine's port that there are: the embedded one over SQLite, and the one in memory that tests use. */
import { afterEach } from 'vitest';
import { EmbeddedRuntime } from '../../src/runtime/embedded.ts';
import type { ActivityHost } from '../../src/runtime/activity-host.ts';
import { runtimeContract } from '../contract/runtime.ts';
import { MemoryRuntime, MemoryStore } from '../support/memory-runtime.ts';
import { executionId, runbook, temporaryJournal } from '../support/run-toy.ts';

const stores: Disposable[] = [];
afterEach(() => {
  for (const store of stores.splice(0)) store[Symbol.dispose]();
});

runtimeContract('a store in memory', () => {
  const store = new MemoryStore();
  let ahead = 0;
  const now = (): number => Date.now() + ahead;
  return {
    runner: (run) => new MemoryRuntime({ run: ({ id }, cancel) => run(id, cancel), now }, store),
    signal: (name, value, dedupe) => store.signal(name, value, dedupe, now()),
    cancel: () => (store.isCancelled = true),
    pass: (ms) => (ahead += ms),
    events: () => store.events,
  };
});

runtimeContract('SQLite', () => {
  const store = temporaryJournal();
  stores.push(store);
  const { journal } = store;
  let ahead = 0;
  const now = (): number => Date.now() + ahead;
  const input = { parameters: {}, rollbackWhen: 'never', rollbackRequests: [], failAt: null } as const;
  journal.create({
    id: executionId,
    runbook: 'toy',
    file: 'toy.yaml',
    program: { interpreter: 2, document: runbook([]), descriptors: {} },
    sha256: '',
    input,
    settings: { sandbox: false, inventoryFile: null, secrets: {}, startedBy: 'tester', usesAws: false },
    createdAt: 1,
  });
  const seal = {
    sealed: <T>(_kind: unknown, outcome: T): T => outcome,
    unsealed: <T>(_kind: unknown, outcome: T): T => outcome,
    sealedEvent: <T>(event: T): T => event,
  };
  return {
    runner: (run) => {
      const host: ActivityHost = {
        run: (call, { cancel }) => run(call.id, cancel),
        settled: () => Promise.resolve(),
      };
      return new EmbeddedRuntime({ executionId, journal, host, onWait: 'stay', seal, now });
    },
    signal: (name, value, dedupe) => void journal.signal(executionId, name, value, dedupe, now()),
    cancel: () => journal.requestCancel(executionId),
    pass: (ms) => (ahead += ms),
    events: () => journal.events(executionId, 0),
  };
});
