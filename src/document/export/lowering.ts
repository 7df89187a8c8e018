/** What cannot be said in plain SSM, gathered with its place while a document is lowered. */
import type { Report } from '../report.ts';
import type { Span } from '../tree.ts';

export interface Lowering {
  /** Nothing in SSM does this. */
  refuse(span: Span, message: string, hint?: string): void;
  /** SSM does without it; with --drop it is left out, and that is a warning. */
  loses(span: Span, message: string, hint?: string): void;
}

export function lowering(report: Report, drop: boolean): Lowering {
  return {
    refuse: (span, message, hint) => report.error('NOT_IN_SSM', span, message, hint),
    loses: (span, message, hint) =>
      drop
        ? report.warn('NOT_IN_SSM', span, `${message}; it is left out`, hint)
        : report.error('NOT_IN_SSM', span, message, hint ?? 'With --drop it is left out.'),
  };
}
