/** One finding of `belay doctor`. Pure. */
import type { Finding } from '../../runtime/checkup/finding.ts';
import { printable } from './printable.ts';
import type { Style, Tone } from './style.ts';

export function findingLines({ area, what, verdict, says, hint }: Finding, style: Style): string[] {
  const { mark, tone } = markOf(verdict, style);
  return [
    `${style.paint(tone, mark)} ${area.padEnd('configuration'.length)}  ${printable(what)}  ${printable(says)}`,
    ...(hint === undefined ? [] : [`    ${printable(hint)}`]),
  ];
}

function markOf(
  verdict: Finding['verdict'],
  { marks }: Style,
): { readonly mark: string; readonly tone: Tone } {
  switch (verdict) {
    case 'good':
      return { mark: marks.done, tone: 'good' };
    case 'note':
      return { mark: marks.note, tone: 'warn' };
    case 'bad':
      return { mark: marks.failed, tone: 'bad' };
    default:
      return verdict satisfies never;
  }
}
