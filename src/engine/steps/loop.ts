/**
 * aws:loop: runs its nested steps once for each item, or again as long as a condition holds. The condition is asked after each
 * pass. A pass is undone with everything else, newest first; one that did not run has nothing to undo.
 */
import { evaluate, selectOutput } from '../../document/index.ts';
import type { Json, JsonObject } from '../../json.ts';
import {
  cancelled,
  failureIn,
  flowDone,
  flowFailed,
  flowTimedOut,
  nothing,
  type Decided,
  type Ending,
} from '../endings.ts';
import type { Failure } from '../failure.ts';
import type { ListResult, Frame } from '../frame.ts';
import type { PassScope } from '../records.ts';
import { scopeFor } from '../scope.ts';
import type { RunStep, StepRun } from '../step-run.ts';
import { isToComplete } from '../between-steps.ts';
import { courseOf, type Course } from './loop-course.ts';

/** How the loop is going. */
interface Progress {
  /** The latest pass; null: none has begun. */
  pass: PassScope | null;
  /** Outputs of its steps by their names, of every pass; only kept where the loop declares outputs. */
  readonly all: ReadonlyMap<string, JsonObject>[];
  /** By nested steps whose failure was handled. */
  decided: Decided | null;
}

export const loop: RunStep = async (run) => {
  const course = courseOf(run.record.inputs ?? {});
  if (typeof course === 'string') return flowFailed('INVALID_INPUT', `${run.record.step.name}: ${course}`);
  const frame = await limited(run);
  const progress: Progress = { pass: null, all: [], decided: null };
  const ending = await takePasses({ ...run, frame }, course, progress);
  // Behind the loop its steps are read as they were in the last pass.
  for (const [step, outputs] of progress.pass?.outputs ?? []) run.frame.scope.outputs.set(step, outputs);
  return ending;
};

/** Its timeoutSeconds is for all of its passes. */
async function limited({ frame, id, timeoutSeconds }: StepRun): Promise<Frame> {
  if (timeoutSeconds === null) return frame;
  return frame.limitedTo(timeoutSeconds * 1000, await frame.now(`${id}:start`));
}

async function takePasses(run: StepRun, course: Course, progress: Progress): Promise<Ending> {
  const { frame, record, id } = run;
  const { execution } = frame;
  const count = course.kind === 'items' ? Math.min(course.items.length, course.max) : course.max;
  for (let iteration = 1; iteration <= count; iteration += 1) {
    if (frame.isSpent) return flowTimedOut(`no time was left for pass ${iteration} of ${record.path}`);
    const answered = execution.answered;
    const scope = passScope(run, course, iteration);
    await frame.emit({
      type: 'PassStarted',
      step: record.path,
      iteration,
      of: course.kind === 'items' ? count : null,
      ...(scope.value === undefined ? {} : { value: scope.value }),
    });
    const pass = frame.with({ scope });
    const { ran, failure } = await takePass(pass, scope);
    progress.pass = scope;
    if (record.step.outputs.length > 0) progress.all.push(scope.outputs);
    const ending = endingOf(run, progress, ran, failure);
    if (ending !== null) return ending;
    if (course.kind === 'condition') {
      const goesOn = await holds(pass, course.condition, `${id}@${iteration}:condition`);
      if (typeof goesOn !== 'boolean')
        return flowFailed(
          goesOn.code,
          `LoopCondition of ${record.path}: ${goesOn.message}`,
          outputsOf(progress),
        );
      if (!goesOn) return done(run, progress, `${passesText(iteration)}, until LoopCondition was false`);
    }
    if (iteration < count && (await isToComplete(frame, `${id}@${iteration}:complete`)))
      return done(run, progress, `${passesText(iteration)}, and no further one: it was told to end`);
    // Where nothing asked the world in a pass, nobody was told of a cancel or of the time.
    if (execution.answered === answered) {
      if ((await frame.sleep(`${id}@${iteration}:pause`, 1)) === 'cancelled') return cancelled(1);
      if (frame.isOnBudget) await frame.now(`${id}@${iteration}:now`);
    }
  }
  const isCutShort = course.kind === 'condition' || count < course.items.length;
  return done(run, progress, passesText(count) + (isCutShort ? ', as many as MaxIterations allows' : ''));
}

function passScope({ frame, record }: StepRun, course: Course, iteration: number): PassScope {
  return {
    kind: 'pass',
    outputs: new Map<string, JsonObject>(),
    parent: frame.scope,
    of: record,
    iteration,
    value: course.kind === 'items' ? course.items[iteration - 1] : undefined,
  };
}

/** `failure`: of its step that failed last. */
async function takePass(
  frame: Frame,
  { of, iteration }: PassScope,
): Promise<{ readonly ran: ListResult; readonly failure: Failure | null }> {
  let failure: Failure | null = null;
  const steps = of.step.nested?.['Steps'] ?? [];
  const ran = await frame.runList(
    frame,
    { steps, path: `${of.path}@${iteration}/`, planPath: `${of.planPath}/Steps/` },
    {
      ended: ({ step }, ending) => {
        const own = failureIn(ending);
        if (own !== null) failure = { ...own, message: `${step.name}: ${own.message}` };
      },
    },
  );
  return { ran, failure };
}

/** Null: the loop goes on. */
function endingOf(
  { record }: StepRun,
  progress: Progress,
  { status, failedStep, end }: ListResult,
  failure: Failure | null,
): Ending | null {
  if (status === 'Cancelled') progress.decided = { status, failedStep };
  else if (status !== 'Success') progress.decided ??= { status, failedStep };
  const iteration = progress.pass?.iteration ?? 0;
  if (end.kind === 'exited') {
    const note = `left in pass ${iteration} → ${end.step}`;
    const result = { ...nothing, outputs: outputsOf(progress), note };
    return { status: 'Exited', attempts: 1, result, jump: end.step, ...decidedIn(progress) };
  }
  if (status === 'Cancelled') return cancelled(1, { ...nothing, outputs: outputsOf(progress) });
  if (end.kind === 'ended') return null;
  const message = `${record.step.name} failed in pass ${iteration} at ${failure?.message ?? failedStep ?? 'a step'}`;
  return flowFailed(
    failure?.code ?? 'PASS_FAILED',
    message,
    outputsOf(progress),
    status === 'Success' ? 'Failed' : status,
  );
}

/** Asks the condition in the scope of the pass that has just ended. */
async function holds(pass: Frame, condition: JsonObject, id: string): Promise<boolean | Failure> {
  const scope = await scopeFor(pass, condition, id);
  if ('failure' in scope) return scope.failure;
  const verdict = evaluate(condition, 'LoopCondition', scope.scope);
  if (verdict.kind === 'verdict') return verdict.isTrue;
  return { code: 'BRANCH_FAILED', message: verdict.message, retryable: false };
}

function done({ record }: StepRun, progress: Progress, note: string): Ending {
  const outputs = outputsOf(progress);
  const response: JsonObject = { ...outputs, ...byStep(progress.all) };
  for (const { Name, Selector, Type } of record.step.outputs) {
    const selection = selectOutput(Selector, Type, response);
    if (selection.kind === 'mismatch')
      return flowFailed('OUTPUT_MISMATCH', `output ${Name} of ${record.path}: ${selection.message}`, outputs);
    if (selection.kind === 'value') outputs[Name] = selection.value;
  }
  const ending = flowDone(outputs, note);
  return ending.status === 'Success' ? { ...ending, ...decidedIn(progress) } : ending;
}

const decidedIn = ({ decided }: Progress): { readonly decided?: Decided } =>
  decided === null ? {} : { decided };

/** What the loop gives by itself, as AWS names it. */
function outputsOf({ pass }: Progress): Record<string, Json> {
  return {
    CurrentIteration: pass?.iteration ?? 0,
    ...(pass?.value === undefined ? {} : { CurrentIteratorValue: pass.value }),
  };
}

/** `{ Stop: { InstanceStates: […] } }`: each output of each step as a list over the passes that gave it. */
function byStep(all: readonly ReadonlyMap<string, JsonObject>[]): JsonObject {
  const lists: Record<string, Record<string, Json[]>> = {};
  for (const pass of all)
    for (const [step, outputs] of pass)
      for (const [name, value] of Object.entries(outputs)) ((lists[step] ??= {})[name] ??= []).push(value);
  return lists;
}

const passesText = (count: number): string => (count === 1 ? '1 pass' : `${count} passes`);
