/** timeoutSeconds: how long one try of the step may take. */
import type { Json } from '../../json.ts';
import { notTried } from '../endings.ts';
import { resolve } from '../scope.ts';
import type { RunStep } from '../step-run.ts';

export const limited =
  (next: RunStep): RunStep =>
  async (run) => {
    const { frame, record, id } = run;
    const written = record.step.timeoutSeconds;
    if (written === undefined) return next(run);
    const resolved = await resolve(frame, written, `${id}:limit`);
    if (!resolved.ok) return notTried(resolved.failure);
    const timeoutSeconds = secondsIn(resolved.value);
    if (timeoutSeconds !== null) return next({ ...run, timeoutSeconds });
    const message = `timeoutSeconds of ${record.path} is ${JSON.stringify(resolved.value)}, and must be a positive number`;
    return notTried({ code: 'INVALID_INPUT', message, retryable: false });
  };

/** An expression resolves to a number or its text. Null: to neither. */
function secondsIn(value: Json): number | null {
  const seconds = typeof value === 'string' ? Number(value) : value;
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}
