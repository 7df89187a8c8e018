/** Document → program: freezes what every step's action says of itself, so that a resumed execution cannot change its mind. */
import type { Document, Step } from '../document/types.ts';
import type { Program, StepDescriptor } from './types.ts';

export function plan(document: Document, describe: (step: Step) => StepDescriptor): Program {
  const descriptors = new Map<string, StepDescriptor>();
  const visit = (steps: readonly Step[], prefix: string): void => {
    for (const step of steps) {
      const path = prefix + step.name;
      descriptors.set(path, describe(step));
      if (step.undo.kind === 'steps') visit(step.undo.steps, `${path}/undo/`);
      for (const [list, nested] of Object.entries(step.nested ?? {})) visit(nested, `${path}/${list}/`);
    }
  };
  visit(document.mainSteps, '');
  return { interpreter: 3, document, descriptors: Object.fromEntries(descriptors) };
}
