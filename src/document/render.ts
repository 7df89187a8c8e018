/** Diagnostics as a person reads them: place and code, the sentence, the line with a caret, what to do. */
import type { Diagnostic, SourceText } from './diagnostic.ts';

export interface RenderOptions {
  readonly color: boolean;
}

/** The longest excerpt; a longer line is cut around the caret. */
const excerptWidthMax = 150;

type Paint = (text: string) => string;
interface Palette {
  readonly place: Paint;
  readonly error: Paint;
  readonly warning: Paint;
  readonly faint: Paint;
  readonly hint: Paint;
}

const plain: Palette = {
  place: (text) => text,
  error: (text) => text,
  warning: (text) => text,
  faint: (text) => text,
  hint: (text) => text,
};
const sgr =
  (code: number): Paint =>
  (text) =>
    `\u001B[${code}m${text}\u001B[0m`;
const colored: Palette = { place: sgr(1), error: sgr(31), warning: sgr(33), faint: sgr(2), hint: sgr(36) };

/** All diagnostics, one after the other, ending in a line feed; empty when there are none. */
export function renderDiagnostics(
  diagnostics: readonly Diagnostic[],
  sources: readonly SourceText[],
  options: RenderOptions,
): string {
  const lines = new Map(sources.map(({ file, text }) => [file, text.split(/\r\n|\n/)]));
  const palette = options.color ? colored : plain;
  return diagnostics
    .map((diagnostic) =>
      renderOne(diagnostic, lines.get(diagnostic.file)?.[diagnostic.start.line - 1], palette),
    )
    .join('');
}

/** `1 error in 1 file.`, `2 errors and 1 warning in 3 files.`; empty when there are none. */
export function summarizeDiagnostics(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
  const warnings = diagnostics.length - errors;
  const files = new Set(diagnostics.map(({ file }) => file)).size;
  const counts = [
    ...(errors > 0 ? [counted(errors, 'error')] : []),
    ...(warnings > 0 ? [counted(warnings, 'warning')] : []),
  ];
  return counts.length === 0 ? '' : `${counts.join(' and ')} in ${counted(files, 'file')}.`;
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

function renderOne(diagnostic: Diagnostic, line: string | undefined, palette: Palette): string {
  const { file, start, code, message, hint, severity } = diagnostic;
  const mark = severity === 'error' ? palette.error : palette.warning;
  const label = severity === 'error' ? code : `${code} (warning)`;
  const rendered = [
    `${palette.place(`${printable(file)}:${start.line}:${start.column}`)}  ${mark(label)}`,
    `  ${printable(message)}`,
    ...(line === undefined || diagnostic.isConcealed === true
      ? []
      : excerpt(diagnostic, line, palette, mark)),
    ...(hint === undefined ? [] : [`  ${palette.hint(printable(hint))}`]),
  ];
  return `${rendered.join('\n')}\n`;
}

/** The line with its number, and below it the caret as wide as the span. */
function excerpt({ start, end }: Diagnostic, line: string, palette: Palette, mark: Paint): string[] {
  const from = start.column - 1;
  const to = end.line === start.line ? end.column - 1 : line.trimEnd().length;
  const cut = from > excerptWidthMax - 30 ? from - 40 : 0;
  const shown = printable(line.slice(cut, cut + excerptWidthMax)).trimEnd();
  const lead = cut === 0 ? '' : '…';
  const tail = line.length > cut + excerptWidthMax ? '…' : '';
  const number = String(start.line);
  const bar = palette.faint('|');
  const width = Math.max(1, Math.min(to, cut + excerptWidthMax) - from);
  const caret = `${' '.repeat(lead.length + from - cut)}${mark('^'.repeat(width))}`;
  return [
    `  ${palette.faint(number)} ${bar} ${lead}${shown}${tail}`,
    `  ${' '.repeat(number.length)} ${bar} ${caret}`,
  ];
}

/** A file must not steer the terminal: control characters become a mark as wide as one column. */
function printable(text: string): string {
  return text
    .replaceAll('\t', ' ')
    .replaceAll(/[\p{Cc}\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/gu, '·');
}
