/** aws:pause: waits until somebody says go on. */
import type { JsonObject } from '../../json.ts';
import type { Execution, Mode, StepRecord } from '../execution.ts';
import { flowDone, flowFailed, flowTimedOut, type FlowEnding } from './flow-ending.ts';

export async function pause(
  execution: Execution,
  record: StepRecord,
  inputs: JsonObject,
  timeoutSeconds: number,
  mode: Mode,
): Promise<FlowEnding> {
  const message = typeof inputs['Message'] === 'string' ? inputs['Message'] : '';
  await execution.emit({
    type: 'StepWaiting',
    step: record.path,
    waiting: { kind: 'pause', ...(message === '' ? {} : { message }), timeoutSeconds },
  });
  const answer = await execution.person(
    `${mode.idPrefix}${record.path}:signal`,
    `continue:${record.path}`,
    timeoutSeconds * 1000,
    mode,
  );
  switch (answer.status) {
    case 'signal':
      return answer.value === 'didNotHappen'
        ? flowFailed('REJECTED', `${record.path} was rejected`)
        : flowDone({});
    case 'timeout':
      return flowTimedOut(`nobody continued ${record.path} within ${timeoutSeconds} s`);
    case 'cancelled':
      return { status: 'Cancelled' };
    default:
      return answer satisfies never;
  }
}
