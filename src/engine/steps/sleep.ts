/** aws:sleep: waits for a duration, or until an instant; an instant that has passed goes on at once. */
import { parseDurationMs, parseInstantMs } from '../../document/index.ts';
import type { JsonObject } from '../../json.ts';
import type { Execution, Mode, StepRecord } from '../execution.ts';
import { flowDone, flowFailed, flowTimedOut, type FlowEnding } from './flow-ending.ts';

export async function sleep(
  execution: Execution,
  record: StepRecord,
  inputs: JsonObject,
  mode: Mode,
): Promise<FlowEnding> {
  const id = `${mode.idPrefix}${record.path}`;
  const ms = await durationMs(execution, inputs, id);
  if (typeof ms === 'string') return flowFailed('INVALID_INPUT', ms);
  if (ms > 0) {
    await execution.emit({
      type: 'StepWaiting',
      step: record.path,
      waiting: { kind: 'sleep', seconds: Math.ceil(ms / 1000) },
    });
    const allowedMs = execution.within(mode, ms);
    const slept = await execution.runtime.sleep(`${id}:sleep`, allowedMs, {
      ignoreCancel: mode.ignoreCancel,
    });
    if (slept === 'cancelled') return { status: 'Cancelled' };
    // Sleeping is on the budget of whatever it is part of, and only a look at the clock tells.
    if (mode.deadline !== null) await execution.now(`${id}:slept`);
    if (allowedMs < ms) return flowTimedOut(`the time of the execution was over while ${record.path} slept`);
  }
  return flowDone({});
}

async function durationMs(execution: Execution, inputs: JsonObject, id: string): Promise<number | string> {
  const timestamp = inputs['Timestamp'] ?? inputs['TimeStamp'];
  const duration = inputs['Duration'];
  if (typeof duration === 'string') {
    return (
      parseDurationMs(duration) ??
      `Duration ${JSON.stringify(duration)} is no ISO-8601 duration such as PT10M`
    );
  }
  if (typeof timestamp !== 'string') return 'Duration or Timestamp must be a text';
  const until = parseInstantMs(timestamp);
  if (until === undefined)
    return `Timestamp ${JSON.stringify(timestamp)} is no ISO-8601 instant such as 2026-01-31T02:00:00Z`;
  return Math.max(0, until - (await execution.now(`${id}:start`)));
}
