/** The steps that the engine runs itself, by what their action says of itself. */
import type { RunStep } from '../step-run.ts';
import type { StepDescriptor } from '../types.ts';
import { approve } from './approve.ts';
import { branch } from './branch.ts';
import { child } from './child.ts';
import { loop } from './loop.ts';
import { pause } from './pause.ts';
import { rolling } from './rolling.ts';
import { sleep } from './sleep.ts';
import { updateVariable } from './update-variable.ts';

export const flowSteps: Readonly<Record<NonNullable<StepDescriptor['flow']>, RunStep>> = {
  branch,
  child,
  loop,
  sleep,
  pause,
  approve,
  rolling,
  updateVariable,
};
