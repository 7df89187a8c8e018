/** A document under examination: its parts, each with the place where it stood. */
import type { Entry, MapNode, Span } from './tree.ts';
import type { Document, Step } from './types.ts';

export interface StepDraft {
  readonly step: Step;
  readonly node: MapNode;
  /** Where the name stands, or the step when it has none. */
  readonly nameSpan: Span;
  /** The steps of an undo list; undefined for every other policy. */
  readonly undo: readonly StepDraft[] | undefined;
}

export interface DocumentDraft {
  readonly document: Document;
  readonly node: MapNode;
  readonly steps: readonly StepDraft[];
  readonly parameters: ReadonlyMap<string, Entry>;
  /** Where additions to SSM stand, for --strict-ssm. */
  readonly additions: readonly Addition[];
}

export interface Addition {
  readonly name: string;
  readonly span: Span;
}
