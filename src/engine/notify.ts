/** Tells people by an SNS topic. A message that could not be sent is an event and changes no status. */
import type { InputOf } from './activities.ts';
import type { Execution } from './execution.ts';
import { failureOf } from './failure.ts';
import { notifyTimeoutMs } from './limits.ts';

/** `step`: what it is about, for logs. */
export async function notify(
  execution: Execution,
  id: string,
  step: string,
  input: InputOf['notify'],
): Promise<void> {
  const outcome = await execution.activity({
    id,
    kind: 'notify',
    input,
    step,
    token: `${execution.runtime.executionId}/${id}`,
    timeoutMs: notifyTimeoutMs,
    onLost: 'rerun',
    ignoreCancel: true,
  });
  if (outcome.status === 'failed')
    await execution.emit({ type: 'NotifyFailed', failure: failureOf(outcome) });
}
