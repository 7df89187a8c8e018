/** The `outputs` of a document: each is Step.Output, without braces, of something that exists. */
import { isAwsAction } from '../fit-inputs.ts';
import type { StepDraft } from '../draft.ts';
import { outputsOf } from './references.ts';
import type { StepList, ValidationContext } from './context.ts';

export function validateOutputs(main: StepList, context: ValidationContext): void {
  const { report, draft } = context;
  const list = draft.node.entries.get('outputs')?.value;
  const outputsByStep = new Map<StepDraft, ReadonlySet<string> | undefined>();
  const knownOf = (step: StepDraft): ReadonlySet<string> | undefined => {
    if (!outputsByStep.has(step)) {
      const names = outputsOf(step, context);
      outputsByStep.set(step, names === undefined ? undefined : new Set(names));
    }
    return outputsByStep.get(step);
  };
  for (const node of list?.kind === 'list' ? list.items : []) {
    if (node.kind !== 'scalar' || typeof node.value !== 'string') continue;
    const text = node.value.trim();
    const bare = /^\{\{\s*(.*?)\s*\}\}$/.exec(text)?.[1];
    if (bare !== undefined) {
      const message = `outputs names ${text}, but its entries have no braces`;
      if (context.strictSsm) report.error('BAD_OUTPUT', node.span, message, `Write ${bare}.`);
      else report.warn('BAD_OUTPUT', node.span, message, `Write ${bare}.`);
    }
    const named = bare ?? text;
    const [, stepName, output] = /^([A-Za-z0-9_]+)\.([A-Za-z0-9_]+)$/.exec(named) ?? [];
    if (stepName === undefined || output === undefined) {
      report.error(
        'BAD_OUTPUT',
        node.span,
        `outputs names ${JSON.stringify(text)}, but an entry is Step.Output`,
      );
      continue;
    }
    const index = main.indexOf.get(stepName);
    const step = index === undefined ? main.inner.get(stepName)?.draft : main.drafts[index];
    if (step === undefined) {
      const nearest = report.suggest(stepName, () => [...main.indexOf.keys()]);
      const hint = nearest?.startsWith('Did') === true ? nearest.replace('?', `.${output}?`) : undefined;
      report.error(
        'UNKNOWN_REFERENCE',
        node.span,
        `outputs names ${text}, but there is no step ${stepName}`,
        hint,
      );
      continue;
    }
    const has = knownOf(step);
    if (has === undefined || has.has(output)) continue;
    const known = [...has];
    const declares = known.length === 0 ? 'no outputs' : `only ${known.join(', ')}`;
    const message = `outputs names ${text}, but ${stepName} declares ${declares}`;
    const nearest = report.suggest(output, known);
    const hint =
      nearest?.startsWith('Did') === true ? nearest.replace('mean ', `mean ${stepName}.`) : undefined;
    // The execution ends all the same: SSM gives a sentence in place of the value.
    if (isAwsAction(step.step.action)) report.warn('UNKNOWN_REFERENCE', node.span, message, hint);
    else report.error('UNKNOWN_REFERENCE', node.span, message, hint);
  }
}
