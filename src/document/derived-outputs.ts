/** Outputs that an action gives under a second name, kept only where the document reads them: a result is not stored twice for nothing. */
import type { Catalog } from './catalog.ts';
import type { DeclaredOutput, Document, Step } from './types.ts';

/** The document, with those outputs declared that it reads without having declared them. */
export function withDerivedOutputs(document: Document, text: string, catalog: Catalog): Document {
  const readers = new Map<string, ReadonlySet<string>>();
  const isRead = (step: string, output: string): boolean => {
    const known = readers.get(output) ?? stepsBefore(`.${output}`, text);
    readers.set(output, known);
    return known.has(step);
  };
  const derivedOf = (step: Step): DeclaredOutput[] =>
    (catalog.action(step.action)?.derivedOutputs ?? []).filter(
      ({ Name }) => isRead(step.name, Name) && !step.outputs.some((output) => output.Name === Name),
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

/** The words that stand right before it in the text. One look through the text, however many steps there are. */
function stepsBefore(output: string, text: string): ReadonlySet<string> {
  const steps = new Set<string>();
  for (let at = text.indexOf(output); at !== -1; at = text.indexOf(output, at + output.length)) {
    let from = at;
    while (from > 0 && /\w/.test(text.charAt(from - 1))) from -= 1;
    steps.add(text.slice(from, at));
  }
  return steps;
}

function mapLists(
  lists: Readonly<Record<string, readonly Step[]>>,
  change: (step: Step) => Step,
): Readonly<Record<string, readonly Step[]>> {
  return Object.fromEntries(Object.entries(lists).map(([name, steps]) => [name, steps.map(change)]));
}
