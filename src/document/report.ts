/** Collects what is wrong with one text, by offset, and gives it out as diagnostics in the order of the text. */
import type { Diagnostic, Position, SourceText } from './diagnostic.ts';
import type { DocumentCode } from './errors.ts';
import { didYouMean, makeSuggester } from './suggest.ts';
import type { Span } from './tree.ts';

/** How many diagnostics one file gives at most. */
const diagnosticsMax = 500;

export interface Report {
  error(code: DocumentCode, span: Span, message: string, hint?: string): void;
  warn(code: DocumentCode, span: Span, message: string, hint?: string): void;
  /** An error on a line that must not be quoted. */
  concealed(code: DocumentCode, span: Span, message: string, hint?: string): void;
  /** A finding whose code another room defines; left out, an error. */
  foreign(code: string, span: Span, message: string, hint?: string, severity?: 'error' | 'warning'): void;
  /**
   * `Did you mean X?`, or the known names while they are few. Long lists of names come as a function, which is not called
   * once the report is full.
   */
  suggest(name: string, known: readonly string[] | (() => readonly string[])): string | undefined;
  /** 1-based. */
  lineAt(offset: number): number;
  readonly hasErrors: boolean;
  finish(): Diagnostic[];
}

type Finding = Omit<Diagnostic, 'file' | 'start' | 'end'> & { readonly span: Span };

export function makeReport(source: SourceText): Report {
  const found: Finding[] = [];
  const position = makePositions(source.text);
  const suggest = makeSuggester();
  let left = 0;
  let hasErrors = false;

  const linesOf = ({ start, end }: Span): number[] => {
    const [first, last] = [position(start).line, position(Math.max(start, end)).line];
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  };

  const add = (
    severity: 'error' | 'warning',
    code: string,
    span: Span,
    message: string,
    hint?: string,
    isConcealed = false,
  ): void => {
    hasErrors ||= severity === 'error';
    if (found.length >= diagnosticsMax) left += 1;
    else {
      found.push({
        severity,
        code,
        span,
        message,
        ...(hint === undefined ? {} : { hint }),
        ...(isConcealed ? { isConcealed } : {}),
      });
    }
  };

  return {
    error: (code, span, message, hint) => add('error', code, span, message, hint),
    warn: (code, span, message, hint) => add('warning', code, span, message, hint),
    concealed: (code, span, message, hint) => add('error', code, span, message, hint, true),
    foreign: (code, span, message, hint, severity = 'error') => add(severity, code, span, message, hint),
    suggest: (name, known) =>
      found.length >= diagnosticsMax
        ? undefined
        : didYouMean(suggest, name, typeof known === 'function' ? known() : known),
    lineAt: (offset) => position(offset).line,
    get hasErrors() {
      return hasErrors;
    },
    finish: () => {
      found.sort((a, b) => a.span.start - b.span.start || a.span.end - b.span.end);
      const last = found.at(-1);
      if (left > 0 && last !== undefined) {
        found.push({
          severity: 'error',
          code: 'TOO_MANY_PROBLEMS' satisfies DocumentCode,
          span: last.span,
          message: `${left} more problems are not listed; mend these first`,
        });
      }
      // What must not be quoted is on its line for every other finding as well.
      const hidden = new Set(
        found.flatMap(({ isConcealed, span }) => (isConcealed === true ? linesOf(span) : [])),
      );
      return found.map(({ span, ...rest }) => ({
        ...rest,
        ...(hidden.has(position(span.start).line) ? { isConcealed: true } : {}),
        file: source.file,
        start: position(span.start),
        end: position(Math.max(span.end, span.start)),
      }));
    },
  };
}

/** Offset → line and column. */
export function makePositions(text: string): (offset: number) => Position {
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (lineStarts[low] ?? 0) + 1 };
  };
}
