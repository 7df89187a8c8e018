/** Keys of a step that nothing would heed: what the engine runs itself is tried once and has the outputs that it has. */
import type { StepDraft } from '../draft.ts';
import type { ValidationContext } from './context.ts';

/** Steps whose own outputs are all that there is, and that are tried once. */
const runOnce: readonly string[] = [
  'aws:branch',
  'aws:pause',
  'aws:sleep',
  'aws:updateVariable',
  'belay:rolling',
];

export function validateIgnored({ step, node }: StepDraft, { report }: ValidationContext): void {
  if (!runOnce.includes(step.action)) return;
  const outputs = node.entries.get('outputs');
  if (outputs !== undefined && step.outputs.length > 0) {
    const message = `${step.action} answers nothing that a selector could read: its outputs are its own`;
    // AWS may take it; what is Belay's own is refused.
    if (step.action === 'belay:rolling') report.error('IGNORED_KEY', outputs.keySpan, message);
    else report.warn('IGNORED_KEY', outputs.keySpan, message);
  }
  const attempts = node.entries.get('maxAttempts');
  if (attempts === undefined || step.action !== 'belay:rolling' || step.maxAttempts === 1) return;
  const message =
    'belay:rolling is not tried again: give maxAttempts to its nested steps, or MaxErrors to it';
  report.error('IGNORED_KEY', attempts.keySpan, message);
}
