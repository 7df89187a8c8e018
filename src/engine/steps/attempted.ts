/** Has the action act, with all the tries that the step has, and remembers every try that may have changed something. */
import { cancelled, nothing } from '../endings.ts';
import type { StepRecord } from '../records.ts';
import type { RunStep } from '../step-run.ts';
import { stepTimeoutSecondsDefault } from '../limits.ts';
import { attempts, workOf } from './attempts.ts';
import type { EffectEnding } from './effect.ts';

export const attempted: RunStep = async ({ frame, record, id, timeoutSeconds }) => {
  const { step, path, descriptor } = record;
  const { ending, attempts: tries } = await attempts(frame, {
    id,
    path,
    work: workOf(record),
    isBegun: descriptor.effect === 'begun',
    triesMax: step.maxAttempts,
    timeoutMs: (timeoutSeconds ?? descriptor.timeoutSeconds ?? stepTimeoutSecondsDefault) * 1000,
    tried: (one, token) => note(record, one, token),
  });
  const known = record.result ?? nothing;
  switch (ending.status) {
    case 'Success':
      return { status: 'Success', attempts: tries, result: ending.result, jump: null, decidedBy: [] };
    case 'Failed':
    case 'TimedOut':
      return { status: ending.status, attempts: tries, result: known, failure: ending.failure };
    case 'Cancelled':
      return cancelled(tries, known);
    default:
      return ending satisfies never;
  }
};

/** A step's undo works from the tries that may have changed something. */
function note(record: StepRecord, ending: EffectEnding, token: string): void {
  if (ending.status === 'Failed' && ending.result !== null) record.result = ending.result;
  if (record.descriptor.effect === 'read' || !mayHaveChanged(ending)) return;
  const known = record.attempts.find((attempt) => attempt.token === token);
  const others = record.attempts.filter((attempt) => attempt !== known);
  record.hasEnded = ending.status === 'Success' || (ending.status === 'Failed' && ending.effect === 'known');
  record.attempts = [...others, { token, handle: ending.handle ?? known?.handle ?? null }];
}

function mayHaveChanged(ending: EffectEnding): boolean {
  switch (ending.status) {
    case 'Success':
    case 'TimedOut':
      return true;
    case 'Failed':
    case 'Cancelled':
      return ending.effect !== 'none';
    default:
      return ending satisfies never;
  }
}
