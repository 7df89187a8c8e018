/** Text from logs, hosts and documents must not steer the terminal: only what a person can read goes on screen. */
import { stripVTControlCharacters } from 'node:util';

/** One line without control characters; line feeds and tabs become spaces. */
export function printable(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(/\s*\r?\n\s*/g, ' ')
    .replaceAll('\t', ' ')
    .replaceAll(/[\p{Cc}\u202A-\u202E\u2066-\u2069]/gu, '')
    .trim();
}

/** Several lines without control sequences; line feeds and tabs stay. For log files shown on a terminal. */
export function printableLines(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/[^\P{Cc}\n\t]|[\u202A-\u202E\u2066-\u2069]/gu, '');
}

/** At most so many characters, with an ellipsis where something is left out. */
export function clipped(text: string, charactersMax: number): string {
  return text.length <= charactersMax ? text : `${text.slice(0, Math.max(0, charactersMax - 1))}…`;
}
