/** Steps that change the world and that nothing takes back, and captures that cannot be made. */
import { everyDraft } from '../draft.ts';
import type { StepList, ValidationContext } from './context.ts';

/** Each name is a step behind this one: undone before it. */
export function validateUndoNeeds({ drafts }: StepList, { report }: ValidationContext): void {
  const names = drafts.map(({ step }) => step.name);
  for (const [index, { step, node, nameSpan }] of drafts.entries()) {
    const span = node.entries.get('undoNeeds')?.value.span ?? nameSpan;
    for (const name of step.undoNeeds ?? []) {
      const at = names.indexOf(name);
      if (at > index) continue;
      const why = at < 0 ? 'its list has no such step' : 'that step is undone after it';
      const message = `undoNeeds of "${step.name}" names ${name}, but ${why}`;
      report.error('UNDO', span, message, 'Name steps that come behind it: the last step is undone first.');
    }
  }
}

export function validateUndo({ draft, catalog, report }: ValidationContext): void {
  const rollsBack = draft.document.rollback.when !== 'never';
  for (const { step, node, nameSpan } of everyDraft(draft.steps)) {
    const action = catalog.action(step.action);
    if (action === undefined) continue;
    const span = node.entries.get('action')?.value.span ?? nameSpan;
    if (rollsBack && step.undo.kind === 'auto' && action.changes(step.inputs) === 'noUndo') {
      const why = action.undoReason === undefined ? '' : ` (${action.undoReason})`;
      report.warn(
        'NO_UNDO',
        span,
        `step "${step.name}" (${step.action}) can change the world and nothing takes it back${why}`,
        'Give it undo: with steps, or undo: { none: <why nothing needs undoing> }.',
      );
    }
    for (const [name, capture] of Object.entries(step.capture)) {
      if (capture.kind !== 'command' || action.hasHostTargets) continue;
      const entry = node.entries.get('capture')?.value;
      const at = (entry?.kind === 'map' ? entry.entries.get(name)?.keySpan : undefined) ?? span;
      report.error(
        'CAPTURE',
        at,
        `the capture ${name} is a command, but ${step.action} has no hosts to run it on`,
        'Read it from an API: { Service: …, Api: …, Selector: … }.',
      );
    }
  }
}
