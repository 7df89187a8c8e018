/**
 * Runs one document of the corpus to its end with generated parameters: a real execution, AWS answered by moto, scripts behind
 * bubblewrap. People's answers are given at once, sleeps last no time, and no call is waited for longer than some seconds.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Document, Step } from '../../../src/document/index.ts';
import type { ActivityHost } from '../../../src/runtime/activity-host.ts';
import { Belay } from '../../../src/runtime/belay.ts';
import { Refusal } from '../../../src/runtime/refusal.ts';
import { runHere } from '../../../src/runtime/run-here.ts';
import { openTransports, type Transports, type TransportsOptions } from '../../../src/runtime/transports.ts';
import { scriptPlace } from '../../../src/transports/scripts/place.ts';
import type { ScriptTools } from '../../../src/transports/scripts.ts';
import type { CorpusFile } from '../corpus.ts';
import { generatedParameters } from './parameters.ts';
import type { Seeds } from './world.ts';

/**
 * `Success`, `Failed CODE`, `TimedOut`; `unanswered CALL`: moto broke over that call; `refused CODE`: nothing was started; `broken WHAT`: it came
 * to no end; `notRun WHY`: it was not tried.
 */
export type RunOutcome = string;

export interface RunEnd {
  readonly outcome: RunOutcome;
  /** What was said of it, for people. */
  readonly why: string;
}

const endedAs = (outcome: RunOutcome, why = ''): RunEnd => ({ outcome, why });

/** The longest that one call to the world is waited for, in ms. */
const callMsMax = 15_000;
/** People's answers that one run may ask for, and the longest that it may take, in ms. */
const answersMax = 20;
const runMsMax = 240_000;

export interface RunParts {
  readonly seeds: Seeds;
  readonly tools: ScriptTools;
  /** How many times as long as usual calls are waited for. */
  readonly patience: number;
}

export async function runDocument(
  file: CorpusFile,
  document: Document,
  { seeds, tools, patience }: RunParts,
): Promise<RunEnd> {
  const folder = mkdtempSync(join(tmpdir(), 'belay-corpus-'));
  const open = async (options: TransportsOptions): Promise<Transports> => {
    const usual = await openTransports(options);
    const { host } = usual.scripts;
    return {
      ...usual,
      scripts: scriptPlace({ host, tools, mayReachNetwork: true, hidden: [options.stateDir] }),
    };
  };
  let person = 'conformance';
  const stdin = (): Promise<string> => Promise.resolve('');
  const belay = new Belay({
    state: join(folder, 'state'),
    cwd: folder,
    env: process.env,
    stdin,
    openTransports: open,
    caller: () => person,
  });
  const late = AbortSignal.timeout(runMsMax * patience);
  try {
    const path = join(folder, file.path.endsWith('.json') ? 'runbook.json' : 'runbook.yaml');
    writeFileSync(path, withoutSleeps(file.text));
    const values = generatedParameters(document, seeds);
    const { id } = await belay.start({ file: path, texts: {}, values, secrets: {}, sandbox: false });
    for (let answer = 0; answer <= answersMax; answer += 1) {
      const ending = await runHere(id, {
        journal: belay.journal,
        stateDir: belay.stateDir,
        env: process.env,
        stdin,
        now: Date.now,
        onWait: 'leave',
        leave: late,
        ports: { openTransports: open, activityHost: (usual) => hurried(usual, callMsMax * patience) },
      });
      if (ending.kind === 'ended') return await outcomeOf(belay, id);
      if (ending.reason === 'asked') return endedAs('broken TOO_LONG');
      const { waiting } = await belay.view(id);
      if (waiting?.kind === 'approval')
        person = waiting.approvers[answer % waiting.approvers.length] ?? person;
      await answerFor(belay, id);
    }
    return endedAs('broken TOO_MANY_QUESTIONS');
  } catch (error) {
    if (error instanceof Refusal) return endedAs(`refused ${error.code}`, error.message);
    const { name, message } = error instanceof Error ? error : { name: 'unknown', message: '' };
    return endedAs(`broken ${name}`, message);
  } finally {
    belay.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function outcomeOf(belay: Belay, id: string): Promise<RunEnd> {
  const { status, steps } = await belay.view(id);
  if (status !== 'Failed') return endedAs(status);
  const failed = steps.filter((step) => step.failure !== null && step.failure !== undefined);
  const [last] = failed.slice(-1);
  const { code, message } = last?.failure ?? { code: 'UNKNOWN', message: '' };
  if (code === 'NO_REPLY') {
    const [, call = 'a call'] = /(?:^|[ :])([a-z0-9-]+ [A-Z][A-Za-z0-9]+) in /.exec(message) ?? [];
    return endedAs(`unanswered ${call}`, message);
  }
  return endedAs(`${code === 'INTERNAL' ? 'broken' : 'Failed'} ${code}`, `${last?.name ?? ''}: ${message}`);
}

async function answerFor(belay: Belay, id: string): Promise<void> {
  const { waiting } = await belay.view(id);
  if (waiting?.kind === 'approval')
    await belay.decide(id, undefined, { decision: 'approve', comment: 'as asked' });
  else await belay.proceed(id, undefined);
}

/** Nobody waits a quarter of an hour for what moto will not do. */
function hurried(usual: ActivityHost, msMax: number): ActivityHost {
  return {
    ...usual,
    settled: (call, outcome) => usual.settled(call, outcome),
    run: (call, options) =>
      usual.run(call, { ...options, deadlineAt: Math.min(options.deadlineAt, Date.now() + msMax) }),
  };
}

/** The text, each written length of a sleep and of a step's time short: they are what nobody needs to wait for. */
function withoutSleeps(text: string): string {
  return text.replaceAll(/(["']?Duration["']?\s*:\s*["']?)P(?:T?\d+[DHMS])+(["']?)/g, '$1PT0S$2');
}

/** Why the document cannot be run here; undefined where it can. */
export function lacking({ mainSteps, files }: Document, text: string, hasPwsh: boolean): string | undefined {
  // Their builds put the scripts there.
  if (/%%SCRIPT=|SCRIPT_PLACEHOLDER::/.test(text)) return 'its scripts are not in the corpus';
  if (Object.keys(files ?? {}).length > 0) return 'its attachments are not in the corpus';
  const steps = [...allSteps(mainSteps)];
  const runtime = ({ inputs }: Step): string =>
    typeof inputs['Runtime'] === 'string' ? inputs['Runtime'] : '';
  if (!hasPwsh && steps.some((step) => runtime(step).startsWith('PowerShell'))) return 'pwsh is not here';
  return undefined;
}

function* allSteps(steps: readonly Step[]): Generator<Step> {
  for (const step of steps) {
    yield step;
    for (const list of Object.values(step.nested ?? {})) yield* allSteps(list);
  }
}
