/** aws:sleep: waits for a duration, or until an instant; an instant that has passed goes on at once. */
import { parseDurationMs, parseInstantMs } from '../../document/index.ts';
import type { JsonObject } from '../../json.ts';
import { cancelled, flowDone, flowFailed, flowTimedOut } from '../endings.ts';
import type { Frame } from '../frame.ts';
import type { RunStep } from '../step-run.ts';

export const sleep: RunStep = async ({ frame, record: { path, inputs }, id, timeoutSeconds }) => {
  const ms = await durationMs(frame, inputs ?? {}, id);
  if (typeof ms === 'string') return flowFailed('INVALID_INPUT', ms);
  if (ms > 0) {
    const seconds = Math.ceil(ms / 1000);
    await frame.emit({ type: 'StepWaiting', step: path, waiting: { kind: 'sleep', seconds } });
    const limitMs = limitOf(frame, timeoutSeconds);
    const allowedMs = frame.within(Math.min(ms, limitMs));
    const slept = await frame.sleep(`${id}:sleep`, allowedMs);
    if (slept === 'cancelled') return cancelled(1);
    // Sleeping is on the budget of whatever it is part of, and only a look at the clock tells.
    if (frame.isOnBudget) await frame.now(`${id}:slept`);
    if (limitMs < ms && allowedMs === limitMs)
      return flowTimedOut(`${path} did not end within ${limitMs / 1_000} s`);
    if (allowedMs < ms) return flowTimedOut(`the time of the execution was over while ${path} slept`);
  }
  return flowDone({});
};

/** Earlier versions did not hold a sleep to the step's own limit, and what they began is not decided anew. */
function limitOf({ execution }: Frame, timeoutSeconds: number | null): number {
  return timeoutSeconds === null || execution.program.interpreter < 3 ? Infinity : timeoutSeconds * 1_000;
}

async function durationMs(frame: Frame, inputs: JsonObject, id: string): Promise<number | string> {
  const timestamp = inputs['Timestamp'] ?? inputs['TimeStamp'];
  const duration = inputs['Duration'];
  if (typeof duration === 'string') {
    return (
      parseDurationMs(duration) ??
      `Duration ${JSON.stringify(duration)} is not an ISO-8601 duration such as PT10M`
    );
  }
  if (typeof timestamp !== 'string') return 'Duration or Timestamp must be a text';
  const until = parseInstantMs(timestamp);
  if (until === undefined)
    return `Timestamp ${JSON.stringify(timestamp)} is not an ISO-8601 instant such as 2026-01-31T02:00:00Z`;
  return Math.max(0, until - (await frame.now(`${id}:start`)));
}
