/** `--fail-at`: the engine's port as it is, but one step fails after it has acted. Its further tries fail and act no more. */
import type { AnyAction } from '../actions/index.ts';
import type { Document } from '../document/index.ts';
import type { ActivityCallOf, ActivityKind, Outcome, OutcomeTimes, Runtime } from '../engine/index.ts';
import { Refusal } from './refusal.ts';

const failing: readonly ActivityKind[] = ['begin', 'adopt', 'wait'];

export function failingAt(runtime: Runtime, step: string): Runtime {
  let hasActed: OutcomeTimes | undefined;
  const failure = {
    status: 'failed',
    code: 'SIMULATED',
    message: `${step} was made to fail by --fail-at`,
    retryable: false,
  } as const;
  return {
    executionId: runtime.executionId,
    activity: async <K extends ActivityKind>(call: ActivityCallOf<K>): Promise<Outcome<K>> => {
      if ((call.step !== step && stepAround(call.step) !== step) || !failing.includes(call.kind))
        return runtime.activity(call);
      if (hasActed !== undefined) return { ...hasActed, ...failure, effect: 'none' };
      if (!isWait(call)) return runtime.activity(call);
      const outcome = await runtime.activity(call);
      if (outcome.status !== 'ok') return outcome;
      const { value, startedAt, endedAt } = outcome;
      hasActed = { startedAt, endedAt };
      return { ...outcome, ...failure, effect: 'known', value: { ...value, outputs: {}, note: '' } };
    },
    sleep: (...call) => runtime.sleep(...call),
    waitForSignal: (...call) => runtime.waitForSignal(...call),
    child: (call) => runtime.child(call),
    rollbackChild: (call) => runtime.rollbackChild(call),
    first: (id, among) => runtime.first(id, among),
    isToComplete: (id, seq) => runtime.isToComplete(id, seq),
    now: (id) => runtime.now(id),
    emit: (seq, event) => runtime.emit(seq, event),
  };
}

/** `Stop` for `Stop@db1`, one of the hosts of a step over many; undefined for every other path. */
function stepAround(path: string): string | undefined {
  return /^([^@]+(?:@[^@/]+\/[^@/]+)*)@[^@/]+$/.exec(path)?.[1];
}

function isWait(call: ActivityCallOf<ActivityKind>): call is ActivityCallOf<'wait'> {
  return call.kind === 'wait';
}

/** Throws Refusal where there is no such step, or none that acts. A step of a rolling is named with its target: `Roll@db1/Patch`. */
export function refuseFailAt(
  { mainSteps }: Document,
  actions: ReadonlyMap<string, AnyAction>,
  failAt: string,
): void {
  const [, rolling, nested] = /^([^@/]+)@[^/]+\/([^/]+)$/.exec(failAt) ?? [];
  const steps =
    nested === undefined ? mainSteps : mainSteps.find(({ name }) => name === rolling)?.nested?.['Steps'];
  const step = steps?.find(({ name }) => name === (nested ?? failAt));
  if (step === undefined) {
    throw new Refusal('usage', 'UNKNOWN_STEP', `--fail-at ${failAt}: the runbook has no such step`, {
      hint: `it has ${mainSteps.map(({ name }) => name).join(', ')}`,
    });
  }
  if (actions.get(step.action)?.flow === undefined) return;
  const inner = step.nested?.['Steps']?.[0]?.name;
  throw new Refusal(
    'usage',
    'NOT_AN_ACTING_STEP',
    `--fail-at ${failAt}: ${step.action} acts on nothing by itself, so it cannot be made to fail`,
    {
      hint:
        inner === undefined
          ? 'name a step that acts'
          : `name one of its steps and a target, as --fail-at ${failAt}@TARGET/${inner}`,
    },
  );
}
