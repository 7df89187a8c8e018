/** What a command may throw → sentences and an exit code. An expected failure never shows a stack trace. */
import { renderDiagnostics, summarizeDiagnostics } from '../document/index.ts';
import { JournalFailure } from '../journal/errors.ts';
import { Refusal } from '../runtime/refusal.ts';
import { exitCodes, refusalExitCode, type ExitCode } from './exit-codes.ts';
import { Declined, Interrupted } from './interrupted.ts';
import { printable, printableLines } from './view/printable.ts';
import type { Style } from './view/style.ts';

export interface Report {
  readonly lines: readonly string[];
  readonly exitCode: ExitCode;
}

export function reportError(error: unknown, style: Style): Report {
  if (error instanceof Refusal) return reportRefusal(error, style);
  if (error instanceof Interrupted)
    return { lines: ['Nothing was started.'], exitCode: exitCodes.interrupted };
  if (error instanceof Declined) return { lines: ['Nothing was started.'], exitCode: exitCodes.failed };
  if (error instanceof JournalFailure) {
    return {
      lines: [`${style.paint('bad', error.code)}  ${printableLines(error.message)}`],
      exitCode: exitCodes.usage,
    };
  }
  return reportBug(error, style);
}

function reportRefusal(refusal: Refusal, style: Style): Report {
  const exitCode = refusalExitCode(refusal.kind);
  const hint = refusal.hint === undefined ? [] : [`  ${printableLines(refusal.hint)}`];
  if (refusal.diagnostics.length > 0) {
    const rendered = renderDiagnostics(refusal.diagnostics, refusal.sources, { color: style.color });
    return {
      lines: [
        rendered.trimEnd(),
        ...hint,
        `${summarizeDiagnostics(refusal.diagnostics)} Nothing was started.`,
      ],
      exitCode,
    };
  }
  const [first = '', ...rest] = printableLines(refusal.message)
    .split('\n')
    .map((line) => line.trimEnd());
  const tone = refusal.kind === 'waiting' ? 'warn' : 'bad';
  const head = startsWithCode(first)
    ? style.paint(tone, first)
    : `${style.paint(tone, refusal.code)}  ${printable(first)}`;
  return { lines: [head, ...rest, ...hint], exitCode };
}

/** Several problems come as lines that carry their own codes. */
function startsWithCode(line: string): boolean {
  return /^[A-Z][A-Z_]+ {2}/.test(line);
}

function reportBug(error: unknown, style: Style): Report {
  const message = error instanceof Error ? error.message : String(error);
  return {
    lines: [
      `${style.paint('bad', 'A bug in Belay')}: ${printable(message)}`,
      'What was journaled is safe; belay list shows where executions stand, belay resume goes on.',
      'Run it again with --debug to see where it happened, and report that.',
    ],
    exitCode: exitCodes.bug,
  };
}
