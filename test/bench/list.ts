/** Many executions in one state folder: `belay list` of them, as a process of its own, and what it costs that all of them wait. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { foldEvents, type EngineEvent, type RecordedEvent } from '../../src/engine/index.ts';
import { openSqliteJournal } from '../../src/journal/index.ts';
import { newExecutionId } from '../../src/runtime/execution-id.ts';
import { headOf, summaryOf } from '../../src/runtime/summary.ts';
import { Woken } from '../../src/runtime/woken.ts';
import { builtBelay } from '../support/built.ts';
import { writingCpuMs } from './machine.ts';
import { note } from './report.ts';
import { plain, runbook, step } from '../support/run-toy.ts';

const count = 10_000;
const stepsEach = 10;
const roundsEach = 5;
const secondsMax = 0.5;
/** Of one core, for the daemon's looks at executions that wait, one a second. */
const shareMax = 1;
const looks = 10_000;

/** Ended executions, and one in ten that waits for a person. */
async function fill(dir: string): Promise<void> {
  const journal = openSqliteJournal(dir);
  const steps = Array.from({ length: stepsEach }, (_, index) =>
    step({ name: `Step${index}`, action: 'toy:put', inputs: { Key: `k${index}`, Value: 'v'.repeat(200) } }),
  );
  const descriptors = Object.fromEntries(steps.map(({ name }) => [name, plain]));
  const program = { interpreter: 2, document: runbook(steps), descriptors } as const;
  const settings = { sandbox: false, inventoryFile: null, secrets: {}, startedBy: 'bench', usesAws: false };
  const input = { parameters: {}, rollbackWhen: 'never', rollbackRequests: [], failAt: null } as const;
  for (let index = 0; index < count; index += 1) {
    const at = Date.UTC(2026, 0, 1) + index * 60_000;
    const id = newExecutionId(at);
    await journal.create({
      id,
      runbook: 'bench',
      file: 'bench.yaml',
      program,
      sha256: '',
      input,
      settings,
      createdAt: at,
    });
    const events = eventsOf(
      steps.map(({ name }) => name),
      at,
      index % 10 === 0,
    );
    await journal.append(id, events);
    await journal.leave(id, summaryOf(headOf(foldEvents(events))));
  }
  journal.close();
}

function eventsOf(names: readonly string[], at: number, waits: boolean): RecordedEvent[] {
  const action = 'toy:put';
  const told: EngineEvent[] = [
    { type: 'ExecutionStarted', steps: names.map((name) => ({ name, action })) },
    ...names.flatMap((name): EngineEvent[] => [
      { type: 'StepStarted', step: name, action, inputs: { Key: name } },
      ...(waits && name === names.at(-1)
        ? [{ type: 'StepWaiting', step: name, waiting: { kind: 'pause', timeoutSeconds: 1e6 } } as const]
        : [ended(name)]),
    ]),
  ];
  if (!waits) {
    told.push({ type: 'ForwardEnded', status: 'Success', failedStep: null });
    told.push({ type: 'ExecutionEnded', status: 'Success', rollbackStatus: 'notRequested', outputs: {} });
  }
  return told.map((event, index) => ({ seq: index + 1, at: at + index, event }));
}

function ended(name: string): EngineEvent {
  return {
    type: 'StepEnded',
    step: name,
    status: 'Success',
    attempts: 1,
    outputs: { Value: 'v'.repeat(200) },
    changes: [],
    restorePoints: [],
    targets: [],
    note: '',
    failure: null,
    critical: false,
  };
}

interface Listing {
  readonly seconds: number;
  /** Of that process: on a busy machine it says more than the clock on the wall. */
  readonly cpuSeconds: number;
}

/** The least of some rounds, of each figure. */
function fastest(dir: string, ...more: readonly string[]): Listing {
  const figures = join(dir, 'cpu-ms');
  const rounds = more.includes('--json') && !more.includes('--brief') ? 1 : roundsEach;
  const listings = Array.from({ length: rounds }, (): Listing => {
    const began = performance.now();
    const list = [builtBelay(), 'list', '--limit', String(count), '--state', dir, ...more];
    const args = [...writingCpuMs(figures), ...list];
    const out = execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1024 * 1024 * 1024 });
    if (out.split('\n').length < count) throw new Error(`it listed ${out.split('\n').length} lines`);
    const seconds = (performance.now() - began) / 1000;
    return { seconds, cpuSeconds: Number(readFileSync(figures, 'utf8')) / 1000 };
  });
  return {
    seconds: Math.min(...listings.map(({ seconds }) => seconds)),
    cpuSeconds: Math.min(...listings.map(({ cpuSeconds }) => cpuSeconds)),
  };
}

const said = ({ seconds, cpuSeconds }: Listing): string =>
  `${seconds.toFixed(2)} s (${cpuSeconds.toFixed(2)} s of CPU)`;

/** All of them wait, and one is answered. */
async function benchLeft(dir: string): Promise<boolean> {
  const database = new DatabaseSync(join(dir, 'journal.db'));
  database.exec(`INSERT INTO waits SELECT id, id, 'approve:Ask', 4000000000000 FROM executions;
    UPDATE executions SET left_to = 'daemon'`);
  database.close();
  const [journal, others] = [openSqliteJournal(dir), openSqliteJournal(dir)];
  const woken = new Woken(() => journal, Date.now);
  await woken.look();
  const cpu = process.cpuUsage();
  for (let look = 0; look < looks; look += 1) await woken.look();
  const { user, system } = process.cpuUsage(cpu);
  const share = (user + system) / looks / 10_000;
  const [id = ''] = await others.executionIds();
  await others.signal(id, 'approve:Ask', true, 'bench', Date.now());
  const began = performance.now();
  const found = await woken.look();
  const ms = performance.now() - began;
  journal.close();
  others.close();
  if (found.length !== 1) throw new Error(`${found.length} executions were woken by one answer`);
  return note({
    what: `${count} executions that wait for people, left to the daemon: its looks, one a second`,
    before: 'a process for each, looking every 150 ms',
    now: `${share.toFixed(4)} % of one core; the answered one is found in ${ms.toFixed(1)} ms`,
    limit: `at most ${shareMax} % of one core`,
    holds: share <= shareMax,
  });
}

/** True when it is as fast, and as cheap, as stated. */
export async function benchList(): Promise<boolean> {
  const dir = mkdtempSync(join(tmpdir(), 'belay-bench-list-'));
  try {
    await fill(dir);
    const now = fastest(dir);
    const json = fastest(dir, '--json', '--brief');
    const full = fastest(dir, '--json');
    const database = new DatabaseSync(join(dir, 'journal.db'));
    database.exec('UPDATE executions SET summary = NULL');
    database.close();
    const before = fastest(dir);
    const isFast = note({
      what: `\`belay list\` of ${count} executions, ${count / 10} of them waiting, the process included (fastest of ${roundsEach})`,
      before: `${said(before)}, folding the events of each`,
      now: said(now),
      limit: `at most ${secondsMax} s`,
      holds: now.seconds <= secondsMax,
    });
    const isFastAsJson = note({
      what: `the same as JSON, \`belay list --json --brief\``,
      before: `${said(full)} without \`--brief\`, folding the events of each`,
      now: said(json),
      limit: `at most ${secondsMax} s`,
      holds: json.seconds <= secondsMax,
    });
    return (await benchLeft(dir)) && isFast && isFastAsJson;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
