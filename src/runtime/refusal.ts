/** An expected "no" to something that a person asked for. The command line turns it into a sentence and an exit code. */
import type { Diagnostic, SourceText } from '../document/index.ts';

export type RefusalKind =
  /** Wrong usage, configuration or document. */
  | 'usage'
  /** Somebody else holds it, the world has drifted, this person may not. */
  | 'refused'
  /** Something has to be supplied first: a secret. */
  | 'waiting';

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly kind: RefusalKind;
  readonly code: string;
  /** What to do next. */
  readonly hint: string | undefined;
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: readonly SourceText[];

  constructor(
    kind: RefusalKind,
    code: string,
    message: string,
    more: {
      hint?: string | undefined;
      diagnostics?: readonly Diagnostic[];
      sources?: readonly SourceText[];
    } = {},
  ) {
    super(message);
    this.kind = kind;
    this.code = code;
    this.hint = more.hint;
    this.diagnostics = more.diagnostics ?? [];
    this.sources = more.sources ?? [];
  }
}
