/** What hosts and tools say, as parts of Belay's sentences: bounded, and with nothing in it that could steer a terminal. */

const charactersMax = 600;
/** Characters that print nothing or turn the direction of writing. */
const hidden = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

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
