/**
 * Many targets in one execution: a slow one holds up no other, what lanes write at once is one commit, and memory grows with
 * what is in flight. The activities are answered here, so that what is measured is the engine, its host and the journal.
 */
import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { plan, runExecution, type OutcomeResult } from '../../src/engine/index.ts';
import type { ActivityHost, AnyCall } from '../../src/runtime/activity-host.ts';
import type { ChildPorts } from '../../src/runtime/children.ts';
import { EmbeddedRuntime } from '../../src/runtime/embedded.ts';
import { note } from './report.ts';
import { executionId, plain, runbook, step, temporaryJournal } from '../support/run-toy.ts';

const slowTargets = 5;
const slowSeconds = 2;
const slowSecondsMax = 3;
const memoryTargets = [300, 3_000] as const;
const memoryRatioMax = 1.5;
const waitingChildren = 1_000;
/** Percent of one core. */
const waitingShareMax = 2;

type Answer = (call: AnyCall) => Promise<OutcomeResult<never>>;

const same = <T>(value: T): T => value;
const seal = {
  sealed: <T>(_kind: unknown, outcome: T): T => outcome,
  unsealed: <T>(_kind: unknown, outcome: T): T => outcome,
  sealedEvent: same,
  sealedResult: same,
  unsealedResult: same,
  sealedArguments: same,
};
const settings = { sandbox: false, inventoryFile: null, secrets: {}, startedBy: 'bench', usesAws: false };
const input = { parameters: {}, rollbackWhen: 'never', rollbackRequests: [], failAt: null } as const;

function valueOf(call: AnyCall, targets: readonly string[]): unknown {
  if (call.kind === 'prepare') return { observed: { Targets: targets }, captures: {} };
  if (call.kind === 'begin' || call.kind === 'observe') return null;
  return { outputs: {}, changes: [], restorePoints: [], targets: [], note: '' };
}

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `t${index}`);

function rollingOver(count: number, steps: number) {
  const nested = Array.from({ length: steps }, (_, index) =>
    step({ name: `S${index}`, action: 'toy:put', inputs: { Key: '{{ Roll.Target }}' } }),
  );
  const roll = step({
    name: 'Roll',
    action: 'belay:rolling',
    inputs: { Targets: names(count), MaxUnavailable: count, MaxErrors: count },
    nested: { Gate: [], Steps: nested },
  });
  return plan(runbook([roll], { rollback: { when: 'never', timeoutSeconds: 60 } }), ({ action }) =>
    action === 'belay:rolling'
      ? { ...plain, flow: 'rolling', observes: true }
      : { ...plain, effect: 'repeatable', undo: { kind: 'restore' } },
  );
}

/** Runs it on the embedded host; gives the seconds that it took, and commits to the journal. */
async function run(program: ReturnType<typeof rollingOver>, count: number, pause: (call: AnyCall) => number) {
  using store = temporaryJournal();
  const { journal } = store;
  await journal.create({
    id: executionId,
    runbook: 'bench',
    file: 'b',
    program,
    sha256: '',
    input,
    settings,
    createdAt: 1,
  });
  const answer: Answer = async (call) => {
    const pauseMs = pause(call);
    if (pauseMs > 0) await delay(pauseMs);
    return { status: 'ok', value: valueOf(call, names(count)) as never };
  };
  const host: ActivityHost = {
    run: (call) => answer(call),
    settled: () => Promise.resolve(),
  };
  const runtime = new EmbeddedRuntime({ executionId, journal, host, onWait: 'stay', now: Date.now, seal });
  const began = performance.now();
  const result = await runExecution(runtime, program, input);
  await runtime.flush();
  if (result.status !== 'Success') throw new Error(`the rolling ended ${result.status}`);
  return (performance.now() - began) / 1000;
}

/** Each of five targets is slow at another step. */
async function benchSlow(): Promise<boolean> {
  const program = rollingOver(slowTargets, slowTargets);
  const pause = ({ kind, step: at }: AnyCall): number =>
    kind === 'wait' && /@t(\d)\/S\1$/.test(at) ? slowSeconds * 1000 : 0;
  const seconds = await run(program, slowTargets, pause);
  const inStep = await run({ ...program, interpreter: 1 }, slowTargets, pause);
  return note({
    what: `Five targets in their turn at once, each slow for ${slowSeconds} s at another step`,
    before: `${inStep.toFixed(1)} s, in step`,
    now: `${seconds.toFixed(1)} s`,
    limit: `at most ${slowSecondsMax} s`,
    holds: seconds <= slowSecondsMax,
  });
}

/** In a process of its own, so that nothing else is in its memory. */
function megabytes(count: number): number {
  const code = `import(${JSON.stringify(import.meta.filename)}).then((m) => m.measureMemory(${count}))`;
  const out = execFileSync(process.execPath, ['--expose-gc', '-e', code], { encoding: 'utf8' });
  return Number(out.trim());
}

/** Ten in flight, three steps each; prints the most that the process had, in MB. */
export async function measureMemory(count: number): Promise<void> {
  const program = rollingOver(count, 3);
  const [roll] = program.document.mainSteps;
  if (roll === undefined) throw new Error('no step');
  const narrow = { ...roll, inputs: { ...roll.inputs, MaxUnavailable: 10 } };
  const document = { ...program.document, mainSteps: [narrow] };
  await run({ ...program, document }, count, () => 0);
  console.log(String(Math.round(process.resourceUsage().maxRSS / 1024)));
}

function benchMemory(): boolean {
  const [few = NaN, many = NaN] = memoryTargets.map(megabytes);
  return note({
    what: `Memory of the process at ${memoryTargets.join(' and at ')} targets, ten in flight, three steps each`,
    before: null,
    now: `${few} MB and ${many} MB, ${(many / few).toFixed(2)} times`,
    limit: `at most ${memoryRatioMax} times`,
    holds: many / few <= memoryRatioMax,
  });
}

/** One write after the other, and the same many at once. */
async function benchCommits(): Promise<boolean> {
  using store = temporaryJournal();
  const { journal } = store;
  const program = rollingOver(1, 1);
  await journal.create({
    id: executionId,
    runbook: 'bench',
    file: 'b',
    program,
    sha256: '',
    input,
    settings,
    createdAt: 1,
  });
  const count = 1_000;
  const began = performance.now();
  for (let index = 0; index < count; index += 1) await journal.begin(executionId, `one${index}`, 1, []);
  const between = performance.now();
  for (let index = 0; index < count; index += 20)
    await Promise.all(names(20).map((name) => journal.begin(executionId, `${name}/${index}`, 1, [])));
  const ended = performance.now();
  const alone = count / (between - began);
  const together = count / (ended - between);
  return note({
    what: 'Durable writes of lanes to the journal, 20 at once',
    before: `${(alone * 1000).toFixed(0)} a second, one after the other`,
    now: `${(together * 1000).toFixed(0)} a second`,
    limit: 'more than one after the other',
    holds: together > alone,
  });
}

/** Children that wait for a person, in one process: what they cost while nothing happens. */
async function benchWaiting(): Promise<boolean> {
  using store = temporaryJournal();
  const { journal } = store;
  const pause = step({ name: 'Hold', action: 'aws:pause' });
  const child = plan(runbook([pause]), () => ({ ...plain, flow: 'pause' }));
  await journal.create({
    id: executionId,
    runbook: 'bench',
    file: 'b',
    program: child,
    sha256: '',
    input,
    settings,
    createdAt: 1,
  });
  const host: ActivityHost = {
    run: () => Promise.reject(new Error('nothing acts here')),
    settled: () => Promise.resolve(),
  };
  const children: ChildPorts = {
    file: 'b',
    settings,
    run: (row, above, options) => {
      const runtime = new EmbeddedRuntime({
        executionId: row.id,
        journal,
        host,
        onWait: 'stay',
        now: Date.now,
        seal,
        above,
        ...options,
      });
      const result = (async () => {
        try {
          return await runExecution(runtime, row.program, row.input);
        } finally {
          await runtime.flush();
        }
      })();
      return { runtime, result };
    },
  };
  const root = new EmbeddedRuntime({
    executionId,
    journal,
    host,
    onWait: 'stay',
    now: Date.now,
    seal,
    children,
  });
  const before = process.memoryUsage().rss;
  const running = names(waitingChildren).map((id) =>
    root.child({
      id,
      step: 'Call',
      target: id,
      runbook: 'child',
      file: null,
      program: child,
      input: { parameters: {}, rollbackWhen: 'never' },
      timeoutMs: null,
      ignoreCancel: false,
    }),
  );
  await delay(15_000);
  const kilobytesEach = (process.memoryUsage().rss - before) / waitingChildren / 1024;
  const cpu = process.cpuUsage();
  await delay(5_000);
  const { user, system } = process.cpuUsage(cpu);
  const share = (user + system) / 50_000;
  const holds = note({
    what: `${waitingChildren} children that wait for a person in one runner`,
    before: null,
    now: `${share.toFixed(1)} % of one core, ${kilobytesEach.toFixed(0)} KB each`,
    limit: `at most ${waitingShareMax} % of one core`,
    holds: share <= waitingShareMax,
  });
  await journal.requestCancel(executionId);
  await Promise.all(running);
  return holds;
}

/** True when what is stated holds. */
export async function benchTargets(): Promise<boolean> {
  const results = [await benchSlow(), benchMemory(), await benchCommits(), await benchWaiting()];
  return results.every(Boolean);
}
