/**
 * A series of kills: one execution for each point, each cut there, looked at from outside while it lies there, and
 * taken over by a new process. Whatever differs from the untouched run is written down as a sentence.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../../../src/json.ts';
import type { ExecutionView } from '../../../src/runtime/execution-view.ts';
import type { Bed, Way } from './bed.ts';
import { nameOf } from './kill-points.ts';
import { endMastersOf, runRunner, type RunnerEnd } from './run-runner.ts';
import type { Cut } from './scissors.ts';

/** What is done on one host from the first look to the last. */
export interface Subject {
  readonly way: Way;
  /** Brings the host back to where every run begins. */
  reset(host: string): Promise<void>;
  /** Writes an execution down on that host; resolves to its id. */
  start(host: string): Promise<string>;
  /** Brings an execution that waits further: approvals. Called after a runner has left. */
  decide?(host: string, id: string): Promise<void>;
  /** What the world says of itself after the run, and what was done to it since `reset`. */
  look(host: string): Promise<Record<string, unknown>>;
}

export interface Whole {
  readonly belay: Belaying;
  readonly host: Record<string, unknown>;
}

/** What Belay says of an execution that has ended; times, ids and notes left out. */
export interface Belaying {
  readonly status: string;
  readonly rollbackStatus: string;
  readonly failedStep: string | null;
  readonly steps: readonly (readonly Json[])[];
  readonly rollback: readonly (readonly Json[])[];
}

export async function untouched(
  bed: Bed,
  host: string,
  subject: Subject,
): Promise<{ whole: Whole; runners: RunnerEnd[] }> {
  await subject.reset(host);
  const id = await subject.start(host);
  const runners = await runToEnd(bed, host, subject, id);
  return { whole: await wholeOf(bed, host, subject, id), runners };
}

/** When so much is wrong, the rest would only say it again. */
const troublesMax = 8;

/** Spreads the cuts over the hosts. Resolves to what went wrong, a sentence each; empty when all is as it was untouched. */
export async function series(
  bed: Bed,
  hosts: readonly string[],
  subject: Subject,
  cuts: readonly Cut[],
  wanted: Whole,
): Promise<string[]> {
  const troubles: string[] = [];
  const left = [...cuts];
  await Promise.all(
    hosts.map(async (host) => {
      for (let cut = left.shift(); cut !== undefined && troubles.length < troublesMax; cut = left.shift()) {
        const found = await cutOnce(bed, host, subject, cut, wanted).catch((error: unknown) => [
          `the series itself: ${error instanceof Error ? error.message : String(error)}`,
        ]);
        troubles.push(...found.map((trouble) => `${nameOf(cut)}: ${trouble}`));
      }
    }),
  );
  return troubles;
}

async function cutOnce(bed: Bed, host: string, subject: Subject, cut: Cut, wanted: Whole): Promise<string[]> {
  const belay = bed.belay(host, subject.way);
  await subject.reset(host);
  const id = await subject.start(host);
  let killed = await runRunner(bed, belay.stateDir, id, cut);
  if (killed.ending?.kind === 'left' && subject.decide !== undefined) {
    // The point lies behind a wait for a person.
    await subject.decide(host, id);
    killed = await runRunner(bed, belay.stateDir, id, cut);
  }
  try {
    const missed = missedBy(killed, cut, await belay.view(id));
    if (missed !== undefined) return [missed];
    // Half of them lose their connections as well, as when the whole machine goes down.
    if (killed.pid % 2 === 0) endMastersOf(killed.pid);
    const runners = (await belay.view(id)).endedAt === null ? await runToEnd(bed, host, subject, id) : [];
    const trouble = runners.find(({ signal, exitCode }) => signal !== undefined || exitCode !== 0);
    if (trouble !== undefined)
      return [`the next runner ended ${trouble.signal ?? trouble.exitCode}: ${trouble.stderr}`];
    return differences(wanted, await wholeOf(bed, host, subject, id));
  } finally {
    endMastersOf(killed.pid);
  }
}

/** One execution whose every runner is killed at its n-th write, until one of them arrives. */
export async function restless(
  bed: Bed,
  host: string,
  subject: Subject,
  writes: number,
): Promise<{ readonly runners: number; readonly found: Whole }> {
  const belay = bed.belay(host, subject.way);
  await subject.reset(host);
  const id = await subject.start(host);
  for (let runners = 1; runners < restlessRunnersMax; runners += 1) {
    const runner = await runRunner(bed, belay.stateDir, id, { at: 'write', nth: writes });
    endMastersOf(runner.pid);
    if (runner.signal === 'SIGKILL') continue;
    if (runner.exitCode !== 0)
      throw new Error(`runner ${runners} ended ${runner.exitCode}: ${runner.stderr}`);
    return { runners, found: await wholeOf(bed, host, subject, id) };
  }
  throw new Error(`the execution did not end within ${restlessRunnersMax} runners`);
}

const restlessRunnersMax = 300;

/** Why the kill did not do what it was for: mid-run, by SIGKILL, with the execution left lying. */
function missedBy(killed: RunnerEnd, cut: Cut, view: ExecutionView): string | undefined {
  if (killed.signal !== 'SIGKILL')
    return `no kill landed: ${killed.signal ?? killed.exitCode} ${JSON.stringify(killed.ending)} ${killed.stderr}`;
  const last = killed.passed.at(-1)?.point;
  if (cut.afterMs === undefined && last !== cut.at) return `the kill landed at ${last}`;
  if (view.isLive) return 'the dead runner counts as alive';
  const passes = (point: string): boolean => killed.passed.some((passed) => passed.point === point);
  if (passes('after the ending'))
    return view.endedAt === null ? `it had ended, and is shown as ${view.status}` : undefined;
  if (view.endedAt !== null) return `it had not ended, and is shown as ${view.status}`;
  // Nobody knows yet that there was a runner, or it had left to wait for a person.
  if (cut.at === 'before the runner' || passes('after the runner gone')) return undefined;
  return view.status === 'Interrupted' ? undefined : `it is shown as ${view.status}, not as Interrupted`;
}

/** As often as it has to be: a run that waits for a person leaves, is decided and resumed. */
async function runToEnd(bed: Bed, host: string, subject: Subject, id: string): Promise<RunnerEnd[]> {
  const runners: RunnerEnd[] = [];
  const belay = bed.belay(host, subject.way);
  for (let tries = 0; tries < runnersMax; tries += 1) {
    const runner = await runRunner(bed, belay.stateDir, id);
    runners.push(runner);
    if (runner.ending?.kind !== 'left' || subject.decide === undefined) break;
    await subject.decide(host, id);
  }
  return runners;
}

const runnersMax = 4;

async function wholeOf(bed: Bed, host: string, subject: Subject, id: string): Promise<Whole> {
  const view = await bed.belay(host, subject.way).view(id);
  return {
    belay: {
      status: view.endedAt === null ? `${view.status}, not ended` : view.status,
      rollbackStatus: view.rollbackStatus,
      failedStep: view.failedStep,
      steps: view.steps.map(({ name, status, failure }) => [name, status, failure?.code ?? null]),
      rollback: view.rollback.map(({ name, result }) => [name, result]),
    },
    host: await subject.look(host),
  };
}

function differences(wanted: Whole, found: Whole): string[] {
  const left = { ...wanted.belay, ...wanted.host };
  const right: Record<string, unknown> = { ...found.belay, ...found.host };
  return Object.entries(left)
    .filter(([key, value]) => !isDeepStrictEqual(value, right[key]))
    .map(([key, value]) => `${key} is ${JSON.stringify(right[key])}, untouched ${JSON.stringify(value)}`);
}
