/** What every family of rules is given: the draft, what it is checked against, and the list of steps that is looked at. */
import type { Catalog } from '../catalog.ts';
import type { SourceText } from '../diagnostic.ts';
import type { DocumentDraft, StepDraft } from '../draft.ts';
import type { Report } from '../report.ts';

export interface ValidationContext {
  readonly source: SourceText;
  readonly catalog: Catalog;
  readonly report: Report;
  readonly strictSsm: boolean;
  readonly draft: DocumentDraft;
}

/** Steps that jump to each other: the main steps, the undo list of a step, or steps nested in one. */
export interface StepList {
  readonly drafts: readonly StepDraft[];
  /** First of a name wins; the others are reported. */
  readonly indexOf: ReadonlyMap<string, number>;
  /** The list around this one, whose outputs can be read here too. */
  readonly outer?: StepList;
  /** The step that the list undoes. */
  readonly undoOf?: StepDraft;
  /** The step that nests this list, and the input that holds it. */
  readonly nestedIn?: { readonly owner: StepDraft; readonly input: string };
}

/** Every list that can be read from this one, the nearest first. */
export function* listsAround(list: StepList | undefined): Generator<StepList> {
  for (let at = list; at !== undefined; at = at.outer) yield at;
}

/** The step in whose inputs the list stands, at any distance. */
export function nestingOf(list: StepList): StepList['nestedIn'] {
  for (const { nestedIn } of listsAround(list)) if (nestedIn !== undefined) return nestedIn;
  return undefined;
}

export function stepList(
  drafts: readonly StepDraft[],
  place: Pick<StepList, 'outer' | 'undoOf' | 'nestedIn'> = {},
): StepList {
  const indexOf = new Map<string, number>();
  for (const [index, { step }] of drafts.entries()) {
    if (!indexOf.has(step.name)) indexOf.set(step.name, index);
  }
  return { drafts, indexOf, ...place };
}
