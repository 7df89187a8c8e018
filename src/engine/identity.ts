/** Account, region and partition, asked for once and only when a reference needs them. */
import type { Identity } from './activities.ts';
import { failureOf, type Failure } from './failure.ts';
import type { Frame } from './frame.ts';
import { identityTimeoutMs } from './limits.ts';

export async function identity(
  frame: Frame,
): Promise<{ readonly value: Identity } | { readonly failure: Failure }> {
  const { execution } = frame;
  if (execution.identity !== undefined) return { value: execution.identity };
  const outcome = await frame.activity({
    id: `${frame.idPrefix}identity`,
    kind: 'identity',
    input: {},
    step: '',
    token: execution.id,
    timeoutMs: identityTimeoutMs,
    onLost: 'rerun',
  });
  if (outcome.status !== 'ok')
    return { failure: failureOf(outcome, 'AWS did not say who is calling in time') };
  execution.identity = outcome.value;
  return { value: outcome.value };
}
