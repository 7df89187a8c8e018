/** One line of the view in its columns: mark, step, targets, time, what happened. */
import { targetsText } from './change-text.ts';
import { clipped, printable } from './printable.ts';
import type { Progress } from './progress.ts';
import { spelled, type Style, type Tone } from './style.ts';

export interface Row {
  readonly mark: string;
  readonly tone: Tone;
  /** Path of the step. */
  readonly step: string;
  readonly targets: readonly string[];
  /** `1.2 s`; empty: none. */
  readonly time: string;
  readonly text: string;
}

const timeWidth = 6;

export function rowLine(row: Row, progress: Progress, style: Style): string {
  const { nameWidth, targetWidth } = progress;
  const isInner = row.step.includes('/');
  const indent = isInner ? '    ' : '  ';
  const name = printable(row.step.slice(row.step.lastIndexOf('/') + 1)).padEnd(
    isInner ? nameWidth - 2 : nameWidth,
  );
  const targets = clipped(targetsText(row.targets), targetWidth).padEnd(targetWidth);
  const head = `${indent}${style.paint(row.tone, row.mark)} ${name}`;
  const parts = [head, ...(targetWidth > 0 ? [targets] : []), row.time.padEnd(timeWidth), row.text];
  return spelled(parts.join('  ').trimEnd(), style);
}
