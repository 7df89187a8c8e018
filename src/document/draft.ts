/** A document under examination: its parts, each with the place where it stood. */
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
  /** Steps by the input that holds them; empty for actions that nest none. */
  readonly nested: ReadonlyMap<string, readonly StepDraft[]>;
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
