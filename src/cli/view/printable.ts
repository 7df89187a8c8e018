/** Text from logs, hosts and documents must not steer the terminal: only what a person can read goes on screen. */
import { visible } from '../../runtime/visible.ts';

/** One line; line feeds and tabs become spaces, and what steers a terminal is shown as what it is. */
export function printable(text: string): string {
  return visible(text.replaceAll(/\s*\r?\n\s*/g, ' ').replaceAll('\t', ' ')).trim();
}

/** Several lines; line feeds and tabs stay. For log files shown on a terminal. */
export function printableLines(text: string): string {
  return visible(text);
}

/** At most so many characters, with an ellipsis where something is left out. */
export function clipped(text: string, charactersMax: number): string {
  return text.length <= charactersMax ? text : `${text.slice(0, Math.max(0, charactersMax - 1))}…`;
}
