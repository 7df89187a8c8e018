/** Has the action check its inputs, and journals the state before the effect: what an undo works from. */
import type { Capture } from '../../document/types.ts';
import { isJsonObject } from '../../json.ts';
import type { Work } from '../activities.ts';
import { cancelled, notTried } from '../endings.ts';
import { failureOf, type Failure } from '../failure.ts';
import { prepareTimeoutMs } from '../limits.ts';
import { stepOf } from '../on-hosts.ts';
import { resolve } from '../scope.ts';
import type { RunStep, StepRun } from '../step-run.ts';
import { tokenOf, workOf } from './attempts.ts';

export const prepared =
  (next: RunStep): RunStep =>
  async (run) => {
    const { record } = run;
    const captures = await resolveCaptures(run);
    if ('failure' in captures) return notTried(captures.failure);
    if (!record.descriptor.observes && captures.value === null) return next(run);
    const outcome = await prepare(run, captures.value === null ? {} : { captures: captures.value });
    if (outcome.status === 'cancelled') return cancelled(0);
    if (outcome.status !== 'ok') {
      const failure = failureOf(outcome);
      return notTried({ ...failure, message: `before ${stepOf(record).path}: ${failure.message}` });
    }
    record.before = outcome.value.observed;
    record.captures = outcome.value.captures;
    return next(run);
  };

/** `more`: the captures to be read besides. */
export function prepare(
  { frame, record, id }: StepRun,
  more: { readonly captures?: Readonly<Record<string, Capture>> } = {},
) {
  const work: Work = workOf(record);
  return frame.activity({
    id: `${id}:prepare`,
    kind: 'prepare',
    input: { ...work, ...more },
    step: record.path,
    token: tokenOf(frame, record.path, 0),
    timeoutMs: frame.within(prepareTimeoutMs),
    onLost: 'rerun',
  });
}

/** Commands of captures are never resolved: a value must not become shell text. */
async function resolveCaptures({
  frame,
  record,
  id,
}: StepRun): Promise<
  { readonly value: Readonly<Record<string, Capture>> | null } | { readonly failure: Failure }
> {
  const written = Object.entries(record.step.capture);
  if (written.length === 0) return { value: null };
  const captures: Record<string, Capture> = {};
  for (const [name, capture] of written) {
    captures[name] = capture;
    if (capture.kind === 'command') continue;
    const inputs = await resolve(frame, capture.inputs, `${id}:capture:${name}`);
    if (!inputs.ok) return inputs;
    captures[name] = { ...capture, inputs: isJsonObject(inputs.value) ? inputs.value : {} };
  }
  return { value: captures };
}
