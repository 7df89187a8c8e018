/** Step names are unique where they are read, and actions exist. */
import { everyDraft, type DocumentDraft, type StepDraft } from '../draft.ts';
import { ownParts } from '../reference.ts';
import { listsAround, stepsOfPasses, type StepList, type ValidationContext } from './context.ts';

export function validateNames(list: StepList, context: ValidationContext): void {
  const { report, draft: document } = context;
  for (const [index, draft] of list.drafts.entries()) {
    const { name } = draft.step;
    checkAction(draft, context);
    if (name === '') continue;
    if (list.indexOf.get(name) !== index) {
      report.error('DUPLICATE_STEP', draft.nameSpan, `two steps are called ${name}`);
    } else {
      const around = [...listsAround(list.outer)].find(({ indexOf }) => indexOf.has(name));
      if (around !== undefined) reportShadowing(list, around, draft, context);
    }
    reportTwins(list, draft, context);
    if (ownParts.some((part) => part === name) && hasUndoLists(document)) {
      const message = `a step cannot be called ${name} in a document with undo lists, where {{ ${name}.X }} means the step that is undone`;
      report.error('STEP_NAME', draft.nameSpan, message);
    }
  }
}

/** Asked for each list of steps, and looked for once. */
const undoLists = new WeakMap<DocumentDraft, boolean>();

function hasUndoLists(document: DocumentDraft): boolean {
  const known = undoLists.get(document);
  if (known !== undefined) return known;
  const found = everyDraft(document.steps).some(({ undo }) => undo !== undefined);
  undoLists.set(document, found);
  return found;
}

/** Steps of two loops are read behind both, by their names. */
function reportTwins(list: StepList, loop: StepDraft, { report }: ValidationContext): void {
  for (const { step, nameSpan } of stepsOfPasses(loop)) {
    const index = list.inner.get(step.name)?.index;
    const other = index === undefined ? undefined : list.drafts[index];
    if (other === undefined || other === loop) continue;
    const message = `"${loop.step.name}" has a step ${step.name}, and so has "${other.step.name}"`;
    report.error('DUPLICATE_STEP', nameSpan, message, 'Outputs of both are read by name; rename one.');
  }
}

function reportShadowing(
  list: StepList,
  around: StepList,
  { step: { name }, nameSpan }: StepDraft,
  { report }: ValidationContext,
): void {
  const inner =
    list.undoOf === undefined
      ? `${list.nestedIn?.input ?? ''} of "${list.nestedIn?.owner.step.name ?? ''}" has a step ${name}`
      : `the undo of "${list.undoOf.step.name}" has a step ${name}`;
  const outer =
    around.nestedIn === undefined
      ? 'mainSteps'
      : `${around.nestedIn.input} of "${around.nestedIn.owner.step.name}"`;
  report.error(
    'DUPLICATE_STEP',
    nameSpan,
    `${inner}, and so has ${outer}`,
    'Outputs of both are read by name; rename one.',
  );
}

function checkAction(draft: StepDraft, { catalog, report }: ValidationContext): void {
  const { action, name } = draft.step;
  if (action === '' || catalog.action(action) !== undefined) return;
  const span = draft.node.entries.get('action')?.value.span ?? draft.nameSpan;
  const notBuilt = catalog.notBuiltYet.get(action);
  if (notBuilt !== undefined) {
    report.error(
      'NOT_BUILT_YET',
      span,
      `the action ${action} of step "${name}" is not built yet: ${notBuilt}`,
    );
    return;
  }
  const inside = catalog.insideAws?.get(action);
  if (inside !== undefined) {
    const message = `step "${name}" wants the action ${action}, which exists only inside of AWS: ${inside}`;
    const hint = 'Let Systems Manager run it: aws:executeAutomation with the name of the AWS runbook.';
    report.error('INSIDE_AWS', span, message, hint);
    return;
  }
  const message = `step "${name}" wants the action ${action}, which does not exist`;
  report.error('UNKNOWN_ACTION', span, message, suggestAction(action, catalog.actionNames, report));
}

function suggestAction(
  action: string,
  known: readonly string[],
  report: ValidationContext['report'],
): string | undefined {
  const bare = action.slice(action.indexOf(':') + 1).toLowerCase();
  const sameName = known.find((name) => name.slice(name.indexOf(':') + 1).toLowerCase() === bare);
  if (sameName !== undefined) return `Did you mean ${sameName}?`;
  const hint = report.suggest(action, known);
  return hint?.startsWith('Did') === true ? hint : undefined;
}
