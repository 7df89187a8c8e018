/** A document under examination: its parts, each with the place where it stood. */
import type { Catalog, Nests } from './catalog.ts';
import type { Report } from './report.ts';
import type { Entry, MapNode, Span } from './tree.ts';
import type { Document, Step } from './types.ts';

export interface StepDraft {
  readonly step: Step;
  /** Without the steps that its inputs nest. */
  readonly node: MapNode;
  /** Where the name stands, or the step when it has none. */
  readonly nameSpan: Span;
  /** The steps of an undo list; undefined for every other policy. */
  readonly undo: readonly StepDraft[] | undefined;
  /** How its nested steps run; undefined for actions that nest none. */
  readonly scope: Nests['scope'] | undefined;
  /** Steps by the input that holds them; empty for actions that nest none. */
  readonly nested: ReadonlyMap<string, readonly StepDraft[]>;
}

export interface DocumentDraft {
  readonly document: Document;
  readonly node: MapNode;
  readonly steps: readonly StepDraft[];
  readonly parameters: ReadonlyMap<string, Entry>;
  readonly variables: ReadonlyMap<string, Entry>;
  /** Where additions to SSM stand, for --strict-ssm. */
  readonly additions: readonly Addition[];
}

export interface Addition {
  readonly name: string;
  readonly span: Span;
}

/** What every step is read with. */
export interface StepsContext {
  readonly catalog: Catalog;
  readonly report: Report;
  readonly additions: Addition[];
  /** The step whose undo list this is; undefined for the main steps. */
  readonly undoOf: string | undefined;
  /** The steps in whose inputs these steps are nested, the outermost first. */
  readonly nestedIn: readonly NestedPlace[];
}

export interface NestedPlace {
  readonly step: string;
  readonly input: string;
  readonly scope: Nests['scope'];
  readonly readsOnly: boolean;
}

/** Steps of a list and those nested in them; undo lists are left out. */
export function* everyDraft(drafts: readonly StepDraft[]): Generator<StepDraft> {
  for (const draft of drafts) {
    yield draft;
    for (const nested of draft.nested.values()) yield* everyDraft(nested);
  }
}
