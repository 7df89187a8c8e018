/** What hosts and tools say, as parts of Belay's sentences: bounded, and with nothing in it that could steer a terminal. */

import { isUtf8 } from 'node:buffer';

const charactersMax = 600;
/** Characters that print nothing or turn the direction of writing. */
const hidden = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/**
 * What OpenSSH wrote to its log, as it is typed: it doubles each backslash and writes the bytes of letters beyond ASCII in octal.
 * What prints nothing stays as it was written. Source: openssh-portable, log.c (strnvis with VIS_SAFE and VIS_OCTAL).
 */
export function asTyped(log: string): string {
  return log.replaceAll(/\\\\|(?:\\[23][0-7]{2})+/g, (written) => {
    if (written === '\\\\') return '\\';
    const bytes = Buffer.from(
      written
        .split('\\')
        .slice(1)
        .map((octal) => Number.parseInt(octal, 8)),
    );
    const text = isUtf8(bytes) ? bytes.toString('utf8') : '';
    return /^[\p{L}\p{N}\p{P}\p{S}]+$/u.test(text) ? text : written;
  });
}

/** Its lines in one, controls as `\x1b`; empty when it says nothing. */
export function visible(text: string): string {
  const lines = text
    .split(/\r?\n|\r/)
    .map((line) => line.trim().replaceAll(hidden, code))
    .filter((line) => line !== '');
  const all = Array.from(lines.join(' / '));
  return all.length <= charactersMax ? all.join('') : `${all.slice(0, charactersMax).join('')}…`;
}

/** With the stop that a sentence needs before the next one. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  return trimmed === '' || /[.?!…]["'”’)]?$/.test(trimmed) ? trimmed : `${trimmed}.`;
}

function code(character: string): string {
  if (character === '\t') return ' ';
  const point = character.codePointAt(0) ?? 0;
  const digits = point.toString(16);
  return point > 0xff ? `\\u{${digits}}` : `\\x${digits.padStart(2, '0')}`;
}
