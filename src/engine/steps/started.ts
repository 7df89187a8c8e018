/** Resolves the step's inputs once, for all of its tries, and says that it began. */
import { isJsonObject } from '../../json.ts';
import { reachOf } from '../account/reach.ts';
import { notTried } from '../endings.ts';
import { resolve, type Resolved } from '../scope.ts';
import type { RunStep, StepRun } from '../step-run.ts';

export const started =
  (next: RunStep): RunStep =>
  async (run) => {
    const { frame, record } = run;
    const { step, path, descriptor } = record;
    const inputs = await resolved(run);
    const shown = inputs.ok && isJsonObject(inputs.value) ? inputs.value : step.inputs;
    const reach = reachOf(step, descriptor);
    const absent = inputs.ok && inputs.absent.length > 0 ? { absent: inputs.absent } : {};
    await frame.emit({
      type: 'StepStarted',
      step: path,
      action: step.action,
      inputs: shown,
      reach,
      ...absent,
    });
    if (!inputs.ok) return notTried(inputs.failure);
    record.inputs = shown;
    return next(run);
  };

/** Conditions are looked at by the step itself, one variable after the other and no further than it has to; a loop's after each pass. */
async function resolved({ frame, record: { step, descriptor }, id }: StepRun): Promise<Resolved> {
  switch (descriptor.flow) {
    case 'branch':
      return { ok: true, value: step.inputs, absent: [] };
    case 'loop': {
      const { LoopCondition: condition, ...others } = step.inputs;
      const inputs = await resolve(frame, others, id, { notRunIsNull: true });
      if (!inputs.ok || !isJsonObject(inputs.value) || condition === undefined) return inputs;
      return { ...inputs, value: { ...inputs.value, LoopCondition: condition } };
    }
    case 'updateVariable': {
      const { Name: name, ...others } = step.inputs;
      const inputs = await resolve(frame, others, id, { notRunIsNull: true });
      if (!inputs.ok || !isJsonObject(inputs.value) || name === undefined) return inputs;
      return { ...inputs, value: { Name: name, ...inputs.value } };
    }
    default:
      return resolve(frame, step.inputs, id, { notRunIsNull: true });
  }
}
