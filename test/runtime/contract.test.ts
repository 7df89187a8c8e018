/** The hosts of the engine's port that there are: the embedded one over SQLite, and the one in memory that tests use. */
import { afterEach } from 'vitest';
import { runExecution } from '../../src/engine/index.ts';
import type { ChildPorts } from '../../src/runtime/children.ts';
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
    cancel: () => void (store.isCancelled = true),
    pass: (ms) => (ahead += ms),
    events: () => store.events,
    childIds: () => [...store.children.keys()],
    childEvents: (id) => store.children.get(id)?.store.events ?? [],
    signalChild: (id, name, value) => store.children.get(id)?.store.signal(name, value, name, now()),
  };
});

runtimeContract('SQLite', async () => {
  const store = temporaryJournal();
  stores.push(store);
  const { journal } = store;
  let ahead = 0;
  const now = (): number => Date.now() + ahead;
  const settings = { sandbox: false, inventoryFile: null, secrets: {}, startedBy: 'tester', usesAws: false };
  const input = { parameters: {}, rollbackWhen: 'never', rollbackRequests: [], failAt: null } as const;
  await journal.create({
    id: executionId,
    runbook: 'toy',
    file: 'toy.yaml',
    program: { interpreter: 2, document: runbook([]), descriptors: {} },
    sha256: '',
    input,
    settings,
    createdAt: 1,
  });
  const same = <T>(value: T): T => value;
  const seal = {
    sealed: <T>(_kind: unknown, outcome: T): T => outcome,
    unsealed: <T>(_kind: unknown, outcome: T): T => outcome,
    sealedEvent: same,
    sealedResult: same,
    unsealedResult: same,
    sealedArguments: same,
  };
  const common = { journal, onWait: 'stay', seal, now } as const;
  const open = (host: ActivityHost, id: string, below: object = {}): EmbeddedRuntime =>
    new EmbeddedRuntime({ ...common, executionId: id, host, children: childrenOf(host), ...below });
  const childrenOf = (host: ActivityHost): ChildPorts => ({
    file: 'toy.yaml',
    settings,
    run: (row, above, options) => {
      const runtime = open(host, row.id, { above, ...options });
      const run = async () => {
        const result = await runExecution(runtime, row.program, row.input);
        await runtime.flush();
        return result;
      };
      return { runtime, result: run() };
    },
  });
  return {
    runner: (run) => {
      const host: ActivityHost = {
        run: (call, { cancel }) => run(call.id, cancel),
        settled: () => Promise.resolve(),
      };
      return open(host, executionId);
    },
    signal: async (name, value, dedupe) =>
      void (await journal.signal(executionId, name, value, dedupe, now())),
    cancel: () => journal.requestCancel(executionId),
    pass: (ms) => (ahead += ms),
    events: () => journal.events(executionId, 0),
    childIds: () => journal.childIds(executionId),
    childEvents: (id) => journal.events(id, 0),
    signalChild: async (id, name, value) => void (await journal.signal(id, name, value, name, now())),
  };
});
