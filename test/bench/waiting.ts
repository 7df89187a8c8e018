/** Executions that wait for people and were left to the daemon: what each leaves in the memory of who ran it, and what the daemon pays for all. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Belay } from '../../src/runtime/belay.ts';
import { configurationText } from '../../src/runtime/configuration.ts';
import { builtBelay } from '../support/built.ts';
import { note } from './report.ts';

const count = 10_000;
/** After so many, what is loaded and compiled once is there. */
const warmUp = 500;
const kilobytesEachMax = 2;
const daemonSeconds = 20;
/** Percent of one core, beyond that of a daemon to which nothing was left. */
const shareMoreMax = 1;
const megabytesMoreMax = 20;

const runbook = `schemaVersion: '0.3'
mainSteps:
  - { name: Ask, action: 'aws:approve', timeoutSeconds: 604800, inputs: { Approvers: [ann], Message: go on? } }
`;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapKilobytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1024;
}

/** Starts them and runs each until it waits, all in this process. Gives the memory that one left behind, in KB. */
async function fill(state: string): Promise<number> {
  const belay = new Belay({
    state,
    cwd: '/',
    env: {},
    stdin: () => Promise.resolve(''),
    configurations: configurationText({ file: 'bench', text: 'hosts: {}\n' }),
    caller: () => 'ann',
  });
  const request = {
    file: { file: 'ask', text: runbook },
    texts: {},
    values: {},
    secrets: {},
    sandbox: false,
  } as const;
  let before = NaN;
  for (let index = 0; index < count; index += 1) {
    if (index === warmUp) before = heapKilobytes();
    const { id } = await belay.start(request);
    const ending = await belay.run(id, { onWait: 'leaveToDaemon' });
    if (ending.kind !== 'left') throw new Error(`an execution ended ${ending.kind}`);
  }
  const after = heapKilobytes();
  belay.close();
  return (after - before) / (count - warmUp);
}

interface Cost {
  /** Percent of one core. */
  readonly share: number;
  readonly megabytes: number;
}

/** A daemon on that state folder, once it has settled. */
async function costOfDaemon(cwd: string, state: string): Promise<Cost> {
  const daemon = spawn(process.execPath, [builtBelay(), 'daemon', '--state', state], { cwd, stdio: 'pipe' });
  try {
    await told(daemon, '"event":"pruned"');
    await delay(5_000);
    const before = ticksOf(daemon.pid);
    await delay(daemonSeconds * 1_000);
    const ticks = ticksOf(daemon.pid) - before;
    const [, kilobytes = 'NaN'] = /^VmRSS:\s+(\d+)/m.exec(proc(daemon.pid, 'status')) ?? [];
    // Linux counts hundredths of a second for everybody who reads /proc.
    return { share: ticks / daemonSeconds, megabytes: Number(kilobytes) / 1024 };
  } finally {
    daemon.kill();
    await new Promise((resolve) => daemon.once('exit', resolve));
  }
}

async function told(daemon: ReturnType<typeof spawn>, event: string): Promise<void> {
  let text = '';
  for await (const chunk of daemon.stdout?.iterator({ destroyOnReturn: false }) ?? []) {
    text += String(chunk);
    if (text.includes(event)) return;
  }
  throw new Error(`the daemon ended without ${event}: ${text}`);
}

const proc = (pid: number | undefined, name: string): string => readFileSync(`/proc/${pid}/${name}`, 'utf8');

/** User and system time of the process, in hundredths of a second. */
function ticksOf(pid: number | undefined): number {
  const fields = proc(pid, 'stat').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

/** True when they are as idle as stated. */
export async function benchWaitingExecutions(): Promise<boolean> {
  const dir = mkdtempSync(join(tmpdir(), 'belay-bench-waiting-'));
  try {
    const kilobytesEach = await fill(join(dir, 'state'));
    const none = await costOfDaemon(dir, join(dir, 'none'));
    const all = await costOfDaemon(dir, join(dir, 'state'));
    const leavesMemory = note({
      what: `What each of ${count} executions that wait leaves in the memory of the process that started it`,
      before: null,
      now: `${kilobytesEach.toFixed(2)} KB`,
      limit: `at most ${kilobytesEachMax} KB`,
      holds: kilobytesEach <= kilobytesEachMax,
    });
    const isIdle = note({
      what: `\`belay daemon\`, with ${count} executions that wait left to it`,
      before: `${none.share.toFixed(2)} % of one core and ${none.megabytes.toFixed(0)} MB with none`,
      now: `${all.share.toFixed(2)} % of one core and ${all.megabytes.toFixed(0)} MB`,
      limit: `at most ${shareMoreMax} % and ${megabytesMoreMax} MB more than with none`,
      holds: all.share - none.share <= shareMoreMax && all.megabytes - none.megabytes <= megabytesMoreMax,
    });
    return leavesMemory && isIdle;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
