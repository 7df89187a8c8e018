/**
 * belay:rolling: runs its nested steps for one target after another, or for several side by side. The gate must hold before and after each turn; the
 * error budget is looked at before each launch. A turn that began is undone with everything else, newest first.
 */
import { isJsonObject, type JsonObject } from '../../json.ts';
import { cancelled, flowDone, flowFailed, type Ending } from '../endings.ts';
import { failureOf, type Failure } from '../failure.ts';
import type { StepRecord, TurnScope } from '../records.ts';
import type { RunStep, StepRun } from '../step-run.ts';
import { Lanes } from './lanes.ts';
import { prepare } from './prepared.ts';
import { bake, takeTurn, turnScope } from './turn.ts';

/** How the rolling is going, and what it gives in the end. */
interface Tally {
  readonly targets: readonly string[];
  readonly succeeded: string[];
  readonly failed: string[];
  /** Why the latest of them failed. */
  last: Failure | null;
}

export const rolling: RunStep = async (run) => {
  const resolved = await resolveTargets(run);
  if ('status' in resolved) return resolved;
  const inputs = run.record.inputs ?? {};
  const tally: Tally = { targets: ordered(resolved.targets, inputs), succeeded: [], failed: [], last: null };
  const isCancelled = await takeTurns(run, tally);
  return isCancelled ? cancelled(1) : endingOf(run.record, tally, maxErrorsOf(inputs));
};

/** Whether a person cancelled it meanwhile. Those in flight count as failed until they have come through. */
async function takeTurns({ frame, record, id }: StepRun, tally: Tally): Promise<boolean> {
  const { targets, succeeded, failed } = tally;
  const inputs = record.inputs ?? {};
  const lanes = new Lanes(frame.runtime, id, { inStep: frame.execution.program.interpreter === 1 });
  let launched = 0;
  let inFlight = 0;
  let isCancelled = false;
  const mayLaunch = (): boolean =>
    !isCancelled && inFlight < maxUnavailableOf(inputs) && failed.length + inFlight <= maxErrorsOf(inputs);
  const takeOne = async (turn: TurnScope, number: number): Promise<void> => {
    await lanes.start(async (runtime) => {
      const lane = frame.with({ runtime });
      const of = { step: record.path, target: turn.target, number, of: targets.length };
      await lane.emit({ type: 'TurnStarted', ...of });
      const ending = await takeTurn(lane.with({ scope: turn }), turn);
      await lane.emit({ type: 'TurnEnded', ...of, ...ending });
      isCancelled ||= ending.status === 'Cancelled';
      turn.isDone = ending.status === 'Success';
      (turn.isDone ? succeeded : failed).push(turn.target);
      tally.last = ending.failure ?? tally.last;
      if (turn.isDone && launched < targets.length)
        isCancelled ||= (await bake(lane, record, turn.target)) === 'cancelled';
      inFlight -= 1;
    });
  };
  for (;;) {
    for (let target = targets[launched]; target !== undefined && mayLaunch(); target = targets[launched]) {
      launched += 1;
      inFlight += 1;
      await takeOne(turnScope(frame, record, target, targets), launched);
    }
    if (inFlight === 0) return isCancelled;
    await lanes.untilOneEnds();
  }
}

/** How many targets can be in their turn at once: those in flight count as failed. */
export function sideBySideMax({ inputs }: StepRecord): number {
  return Math.max(1, Math.min(maxUnavailableOf(inputs ?? {}), maxErrorsOf(inputs ?? {}) + 1));
}

const maxErrorsOf = (inputs: JsonObject): number => Number(inputs['MaxErrors'] ?? 0);
const maxUnavailableOf = (inputs: JsonObject): number => Number(inputs['MaxUnavailable'] ?? 1);

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
  { targets, succeeded, failed, last }: Tally,
  maxErrors: number,
): Ending {
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
