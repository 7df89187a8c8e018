/** Outputs that an action gives under a second name, kept only where the document reads them: a result is not stored twice for nothing. */
import type { Catalog } from './catalog.ts';
import type { DeclaredOutput, Document, Step } from './types.ts';

/** The document, with those outputs declared that it reads without having declared them. */
export function withDerivedOutputs(document: Document, text: string, catalog: Catalog): Document {
  const derivedOf = (step: Step): DeclaredOutput[] =>
    (catalog.action(step.action)?.derivedOutputs ?? []).filter(
      ({ Name }) =>
        text.includes(`${step.name}.${Name}`) && !step.outputs.some((output) => output.Name === Name),
    );
  const complete = (step: Step): Step => {
    const derived = derivedOf(step);
    const nested = step.nested && mapLists(step.nested, complete);
    const undo =
      step.undo.kind === 'steps' ? { ...step.undo, steps: step.undo.steps.map(complete) } : step.undo;
    return {
      ...step,
      undo,
      ...(derived.length === 0 ? {} : { outputs: [...step.outputs, ...derived] }),
      ...(nested === undefined ? {} : { nested }),
    };
  };
  return { ...document, mainSteps: document.mainSteps.map(complete) };
}

function mapLists(
  lists: Readonly<Record<string, readonly Step[]>>,
  change: (step: Step) => Step,
): Readonly<Record<string, readonly Step[]>> {
  return Object.fromEntries(Object.entries(lists).map(([name, steps]) => [name, steps.map(change)]));
}
