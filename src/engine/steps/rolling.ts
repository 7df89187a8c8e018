/**
 * belay:rolling: runs its nested steps for one target after another, or for several side by side. The gate must hold before and after each turn; the
 * error budget is looked at before each launch. A turn that began is undone with everything else, newest first.
 */
import { isJsonObject, type JsonObject } from '../../json.ts';
import { errorBudgetOf, sideBySideMax, type ErrorBudget } from '../../document/index.ts';
import { cancelled, flowDone, flowFailed, flowTimedOut, type Ending } from '../endings.ts';
import { failureOf } from '../failure.ts';
import type { StepRecord } from '../records.ts';
import type { RunStep, StepRun } from '../step-run.ts';
import { launch, type Tally } from './launch.ts';
import { prepare } from './prepared.ts';
import { bake, takeTurn, turnScope } from './turn.ts';

export const rolling: RunStep = async (given) => {
  const run = await limited(given);
  const resolved = await resolveTargets(run);
  if ('status' in resolved) return resolved;
  const { frame, record } = run;
  const inputs = record.inputs ?? {};
  const targets = ordered(resolved.targets, inputs);
  const budget = budgetOf(inputs, targets.length);
  if (typeof budget === 'string') return flowFailed('INVALID_INPUT', `${record.path}: ${budget}`);
  const turns = new Map(targets.map((target) => [target, turnScope(frame, record, target, targets)]));
  const tally = await launch(run, {
    targets: [...turns.values()],
    nameOf: ({ target }) => target,
    budget,
    isStrict: true,
    failsWhenCancelled: true,
    tellsStart: true,
    turn: async (lane, turn) => {
      const ending = await takeTurn(lane.with({ scope: turn }), turn);
      turn.isDone = ending.status === 'Success';
      return ending;
    },
    rest: (lane, { target }) => bake(lane, record, target),
  });
  if (tally.isCancelled) return cancelled(1);
  const begun = tally.succeeded.length + tally.failed.length;
  if (frame.isSpent && begun < targets.length)
    return flowTimedOut(
      `no time was left for ${targets.length - begun} of ${targets.length} targets of ${record.path}`,
    );
  return endingOf(record, targets, tally, budget.errors);
};

/** Its timeoutSeconds is for all of its turns. */
async function limited(run: StepRun): Promise<StepRun> {
  const { frame, id, timeoutSeconds } = run;
  if (timeoutSeconds === null) return run;
  return { ...run, frame: frame.limitedTo(timeoutSeconds * 1_000, await frame.now(`${id}:start`)) };
}

/** How many targets can be in their turn at once: those in flight count as failed. */
export function turnsAtOnceMax({ inputs }: StepRecord, total: number): number {
  const budget = budgetOf(inputs ?? {}, total);
  return typeof budget === 'string' ? 1 : sideBySideMax(budget);
}

function budgetOf(inputs: JsonObject, total: number): ErrorBudget | string {
  const { MaxUnavailable: most = 1, MaxErrors: errors = 0 } = inputs;
  return errorBudgetOf({ name: 'MaxUnavailable', value: most }, { name: 'MaxErrors', value: errors }, total);
}

/** Journaled, so that a resumed rolling goes on with the targets that it began with. */
async function resolveTargets(run: StepRun): Promise<Ending | { readonly targets: readonly string[] }> {
  const outcome = await prepare(run);
  if (outcome.status === 'cancelled') return cancelled(1);
  if (outcome.status !== 'ok') {
    const { code, message } = failureOf(outcome);
    return flowFailed(code, message);
  }
  const { observed } = outcome.value;
  const found = isJsonObject(observed) ? observed['Targets'] : undefined;
  return { targets: Array.isArray(found) ? found.map(String) : [] };
}

function ordered(targets: readonly string[], inputs: JsonObject): readonly string[] {
  return inputs['Order'] === 'reversed' ? targets.toReversed() : targets;
}

function endingOf(
  record: StepRecord,
  targets: readonly string[],
  { succeeded, failed, failures }: Tally,
  maxErrors: number,
): Ending {
  const last = failures.findLast(({ failure }) => failure !== null)?.failure ?? null;
  const notStarted = targets.slice(succeeded.length + failed.length);
  const outputs: JsonObject = {
    Targets: targets,
    Succeeded: succeeded,
    Failed: failed,
    NotStarted: notStarted,
  };
  const done = `${succeeded.length} of ${targets.length} targets done`;
  const words = failed.length === 0 ? done : `${done}, failed: ${failed.join(', ')}`;
  if (failed.length <= maxErrors) return flowDone(outputs, words);
  const untouched = notStarted.length === 0 ? '' : `; not begun: ${notStarted.join(', ')}`;
  const what = last === null ? '' : `: ${last.message}`;
  const message = `${record.step.name} failed at ${failed.at(-1) ?? '?'}${what} (${words}${untouched})`;
  return flowFailed(last?.code ?? 'TARGET_FAILED', message, outputs);
}
