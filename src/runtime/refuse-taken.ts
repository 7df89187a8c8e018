/** `--id`: an execution starts under it once. */
import { isExecutionId } from './execution-id.ts';
import { Refusal } from './refusal.ts';

/** Throws Refusal where `id` is none, or `isTaken`. */
export function refuseTaken(id: string, isTaken: boolean): void {
  if (!isExecutionId(id)) {
    throw new Refusal(
      'usage',
      'BAD_EXECUTION_ID',
      `--id ${id}: an id is twelve digits and capital letters without I, L, O and U`,
    );
  }
  if (isTaken)
    throw new Refusal('refused', 'ALREADY_STARTED', `an execution ${id} was started already`, {
      hint: `belay show ${id}`,
    });
}
