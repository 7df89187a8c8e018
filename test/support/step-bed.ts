/** Where one decorator of a step is tried: a frame over a runtime in memory, one record, and what the inner step was asked. */
import { deadlineAfter, Frame, type FrameParts } from '../../src/engine/frame.ts';
import { flowDone, type Ending } from '../../src/engine/endings.ts';
import { Execution } from '../../src/engine/execution.ts';
import type {
  ActivityCall,
  ExecutionInput,
  OutcomeResult,
  Program,
  StepDescriptor,
} from '../../src/engine/index.ts';
import { nothingKnown, type StepRecord } from '../../src/engine/records.ts';
import { runList } from '../../src/engine/run-list.ts';
import type { RunStep, StepRun } from '../../src/engine/step-run.ts';
import type { Step } from '../../src/engine/types.ts';
import type { Json } from '../../src/json.ts';
import { MemoryRuntime, type MemoryHost } from './memory-runtime.ts';
import { plain, runbook, step } from './run-toy.ts';

export interface StepBed {
  readonly frame: Frame;
  readonly record: StepRecord;
  readonly run: StepRun;
  readonly runtime: MemoryRuntime;
  /** Every activity that was asked for. */
  readonly calls: ActivityCall[];
  /** What the decorated step was given; empty: it did not run. */
  readonly inner: StepRun[];
  /** Says that it ran, and ends as told. */
  readonly next: RunStep;
  /** The events so far. */
  readonly events: () => readonly unknown[];
}

export interface StepBedOptions {
  readonly step?: Partial<Step>;
  readonly descriptor?: Partial<StepDescriptor>;
  /** Of steps within it, by their places in the document. */
  readonly nested?: Program['descriptors'];
  readonly document?: Partial<Program['document']>;
  /** The version of the interpreter that the program was made for; left out: the present one. */
  readonly interpreter?: Program['interpreter'];
  readonly answer?: (call: ActivityCall) => OutcomeResult;
  readonly ending?: Ending;
  readonly input?: Partial<ExecutionInput>;
  readonly parts?: Partial<FrameParts>;
  readonly now?: MemoryHost['now'];
  readonly pause?: MemoryHost['pause'];
  /** Left of a common budget, in ms; left out: there is none. */
  readonly budgetMs?: number;
}

export function stepBed(options: StepBedOptions = {}): StepBed {
  const calls: ActivityCall[] = [];
  const inner: StepRun[] = [];
  const runtime = new MemoryRuntime({
    run: (call) => {
      calls.push(call);
      return options.answer?.(call) ?? { status: 'timeout' };
    },
    ...(options.now === undefined ? {} : { now: options.now }),
    ...(options.pause === undefined ? {} : { pause: options.pause }),
  });
  const written = step({ name: 'A', action: 'toy:put', ...options.step });
  const descriptor = { ...plain, ...options.descriptor };
  const { interpreter = 3, nested = {} } = options;
  const descriptors = { A: descriptor, ...nested };
  const program = {
    interpreter,
    document: { ...runbook([written]), ...options.document },
    descriptors,
  } as const;
  const input: ExecutionInput = {
    parameters: {},
    rollbackWhen: 'onFailure',
    rollbackRequests: [],
    failAt: null,
    ...options.input,
  };
  const execution = new Execution(runtime.executionId, program, input);
  const frame = new Frame({
    execution,
    runtime,
    runList,
    scope: execution.scope,
    idPrefix: '',
    ignoreCancel: false,
    deadline: options.budgetMs === undefined ? null : deadlineAfter(execution, 0, options.budgetMs),
    rollback: null,
    ...options.parts,
  });
  const record: StepRecord = {
    step: written,
    path: 'A',
    planPath: 'A',
    descriptor,
    scope: execution.scope,
    index: 0,
    inputs: written.inputs,
    variables: {},
    ...nothingKnown(),
  };
  return {
    frame,
    record,
    run: { frame, record, id: 'A', timeoutSeconds: null },
    runtime,
    calls,
    inner,
    next: (run) => {
      inner.push(run);
      return Promise.resolve(options.ending ?? flowDone({ Value: 'given' }));
    },
    events: () => runtime.store.events.map(({ event }) => event),
  };
}

export const failedWith = (
  code: string,
  effect: 'none' | 'unknown' | 'known' = 'none',
): OutcomeResult<never> => ({
  status: 'failed',
  code,
  message: `${code} came back`,
  retryable: false,
  effect,
});

export const gave = (outputs: Readonly<Record<string, Json>>): OutcomeResult<'wait'> => ({
  status: 'ok',
  value: { outputs, changes: [], restorePoints: [], targets: [], note: '' },
});
