/** What every family of rules is given: the draft, what it is checked against, and the list of steps that is looked at. */
import type { JsonObject } from '../../json.ts';
import type { Catalog, CatalogProblem } from '../catalog.ts';
import type { SourceText } from '../diagnostic.ts';
import type { DocumentDraft, StepDraft } from '../draft.ts';
import type { Report } from '../report.ts';

export interface ValidationContext {
  readonly source: SourceText;
  readonly catalog: Catalog;
  readonly report: Report;
  readonly strictSsm: boolean;
  readonly draft: DocumentDraft;
  readonly besides: (action: string, inputs: JsonObject) => readonly CatalogProblem[];
}

/** Steps that jump to each other: the main steps, the undo list of a step, or steps nested in one. */
export interface StepList {
  readonly drafts: readonly StepDraft[];
  /** First of a name wins; the others are reported. */
  readonly indexOf: ReadonlyMap<string, number>;
  /** Steps of the loops in this list, whose outputs can be read behind the loop; `index`: the loop's. */
  readonly inner: ReadonlyMap<string, InnerStep>;
  /** The list around this one, whose outputs can be read here too. */
  readonly outer?: StepList;
  /** The step that the list undoes. */
  readonly undoOf?: StepDraft;
  /** The step that nests this list, and the input that holds it. */
  readonly nestedIn?: { readonly owner: StepDraft; readonly input: string };
}

export interface InnerStep {
  readonly draft: StepDraft;
  readonly index: number;
}

/** Every list that can be read from this one, the nearest first. */
export function* listsAround(list: StepList | undefined): Generator<StepList> {
  for (let at = list; at !== undefined; at = at.outer) yield at;
}

/** Whether the list stands in the inputs of the step, at any distance. */
export function isNestedIn(list: StepList, owner: StepDraft): boolean {
  return listsAround(list).some(({ nestedIn }) => nestedIn?.owner === owner);
}

export function stepList(
  drafts: readonly StepDraft[],
  place: Pick<StepList, 'outer' | 'undoOf' | 'nestedIn'> = {},
): StepList {
  const indexOf = new Map<string, number>();
  for (const [index, { step }] of drafts.entries()) {
    if (!indexOf.has(step.name)) indexOf.set(step.name, index);
  }
  return { drafts, indexOf, inner: innerSteps(drafts), ...place };
}

/** The first of a name wins here too. */
function innerSteps(drafts: readonly StepDraft[]): ReadonlyMap<string, InnerStep> {
  const inner = new Map<string, InnerStep>();
  for (const [index, loop] of drafts.entries())
    for (const draft of stepsOfPasses(loop))
      if (!inner.has(draft.step.name)) inner.set(draft.step.name, { draft, index });
  return inner;
}

/** The steps of a loop, and of the loops in it. */
export function* stepsOfPasses({ scope, nested }: StepDraft): Generator<StepDraft> {
  if (scope !== 'pass') return;
  for (const draft of [...nested.values()].flat()) {
    yield draft;
    yield* stepsOfPasses(draft);
  }
}
