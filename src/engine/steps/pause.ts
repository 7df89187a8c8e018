/** aws:pause: waits until somebody says go on. */
import { cancelled, flowDone, flowFailed, flowTimedOut } from '../endings.ts';
import { approvalTimeoutSecondsDefault } from '../limits.ts';
import type { RunStep } from '../step-run.ts';

export const pause: RunStep = async ({ frame, record, id, timeoutSeconds: own }) => {
  const { path, inputs } = record;
  const timeoutSeconds = own ?? approvalTimeoutSecondsDefault;
  const message = typeof inputs?.['Message'] === 'string' ? inputs['Message'] : '';
  await frame.emit({
    type: 'StepWaiting',
    step: path,
    waiting: { kind: 'pause', ...(message === '' ? {} : { message }), timeoutSeconds },
  });
  const answer = await frame.person(`${id}:signal`, `continue:${path}`, timeoutSeconds * 1000);
  switch (answer.status) {
    case 'signal':
      return answer.value === 'didNotHappen' ? flowFailed('REJECTED', `${path} was rejected`) : flowDone({});
    case 'timeout':
      return flowTimedOut(`nobody continued ${path} within ${timeoutSeconds} s`);
    case 'cancelled':
      return cancelled(1);
    default:
      return answer satisfies never;
  }
};
