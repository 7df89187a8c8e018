/** Resolves the step's inputs once, for all of its tries, and says that it began. */
import { isJsonObject } from '../../json.ts';
import { reachOf } from '../account/reach.ts';
import { notTried } from '../endings.ts';
import { resolve, type Resolved } from '../scope.ts';
import type { RunStep } from '../step-run.ts';

export const started =
  (next: RunStep): RunStep =>
  async (run) => {
    const { frame, record, id } = run;
    const { step, path, descriptor } = record;
    // A branch looks at its variables itself, one after the other, and no further than it has to.
    const inputs: Resolved =
      descriptor.flow === 'branch'
        ? { ok: true, value: step.inputs, absent: [] }
        : await resolve(frame, step.inputs, id, { notRunIsNull: true });
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
