/** What is wrong with a text that a person wrote: a code, a sentence, a place and, where one can tell, what to do. */

export interface Position {
  /** 1-based. */
  readonly line: number;
  /** 1-based, in UTF-16 units. */
  readonly column: number;
}

export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  /** `UNKNOWN_REFERENCE`; all codes of the room stand in errors.ts. */
  readonly code: string;
  /** A sentence with the values in it, one line. */
  readonly message: string;
  /** The path as the user gave it. */
  readonly file: string;
  readonly start: Position;
  /** Exclusive. On another line than `start`: the caret runs to the end of the first line. */
  readonly end: Position;
  /** What to do next: `Did you mean FindHosts.InstanceIds?` */
  readonly hint?: string;
  /** The line holds what must not be shown, such as a secret: no excerpt. */
  readonly isConcealed?: boolean;
}

/** A text with the name it is known by. Diagnostics quote from it. */
export interface SourceText {
  readonly file: string;
  readonly text: string;
}
