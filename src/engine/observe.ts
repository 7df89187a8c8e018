/** Reads the state that a step may have changed. Undefined: it could not be read. */
import type { Json } from '../json.ts';
import type { Frame } from './frame.ts';
import { observeTimeoutMs } from './limits.ts';
import type { StepRecord } from './records.ts';
import { tokenOf, workOf } from './steps/attempts.ts';

/** `id`: of the activity, without its kind. */
export async function observe(frame: Frame, record: StepRecord, id: string): Promise<Json | undefined> {
  const outcome = await frame.activity({
    id: `${id}:observe`,
    kind: 'observe',
    input: workOf(record),
    step: record.path,
    token: tokenOf(frame, record.path, 0),
    timeoutMs: observeTimeoutMs,
    onLost: 'rerun',
    ignoreCancel: true,
  });
  return outcome.status === 'ok' ? outcome.value : undefined;
}
