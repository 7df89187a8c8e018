/** The story of one step, from the outside in: each decorator is one sentence of it. */
import type { Ending } from './endings.ts';
import type { Frame } from './frame.ts';
import type { StepRecord } from './records.ts';
import type { RunStep } from './step-run.ts';
import { attempted } from './steps/attempted.ts';
import { budgeted } from './steps/budgeted.ts';
import { flowSteps } from './steps/flow-steps.ts';
import { limited } from './steps/limited.ts';
import { locked } from './steps/locked.ts';
import { observed } from './steps/observed.ts';
import { overHosts } from './steps/over-hosts.ts';
import { prepared } from './steps/prepared.ts';
import { started } from './steps/started.ts';
import { told } from './steps/told.ts';

/** By its action, or by the engine itself. */
const byKind: RunStep = (run) => {
  const { flow } = run.record.descriptor;
  return flow === null ? ofAction(run) : flowSteps[flow](run);
};

const acting = prepared(attempted);
const ofAction = overHosts(budgeted(observed(acting)))(acting);
const ofAnyKind = told(observed(started(limited(budgeted(locked(byKind))))));

export function runStep(frame: Frame, record: StepRecord): Promise<Ending> {
  return ofAnyKind({ frame, record, id: frame.idOf(record), timeoutSeconds: null });
}
