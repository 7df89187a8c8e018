/** Tells people by an SNS topic. A message that could not be sent is an event and changes no status. */
import type { InputOf } from './activities.ts';
import { failureOf } from './failure.ts';
import type { Frame } from './frame.ts';
import { notifyTimeoutMs } from './limits.ts';

/** `step`: what it is about, for logs. */
export async function notify(
  frame: Frame,
  id: string,
  step: string,
  input: InputOf['notify'],
): Promise<void> {
  const outcome = await frame.activity({
    id,
    kind: 'notify',
    input,
    step,
    token: `${frame.execution.id}/${id}`,
    timeoutMs: notifyTimeoutMs,
    onLost: 'rerun',
    ignoreCancel: true,
  });
  if (outcome.status === 'failed') await frame.emit({ type: 'NotifyFailed', failure: failureOf(outcome) });
}
