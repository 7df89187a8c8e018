/**
 * Text of hosts, AWS, other users and files, made fit for a terminal and for a command line that somebody may paste: what
 * steers a terminal or turns the order of letters around is shown as what it is.
 */

const escape = '\u001b';
/** C0 but tab and line feed, DEL, C1, separators of lines, marks and overrides of direction (Unicode TR9, TR36). */
const steering = /[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;
/** Sets colours, and says nothing. */
const colours = new RegExp(`${escape}\\[[0-9;]{0,32}m`, 'g');
/** Those of node:util's styleText. */
const ownColours = new RegExp(`(${escape}\\[(?:0|1|2|22|31|32|33|36|39)m)`);

/** Colours are left out; every other character that steers is shown as `␛` or `\u202e`. */
export function visible(text: string): string {
  return text.replaceAll(colours, '').replaceAll(/\r\n/g, '\n').replaceAll(steering, mark);
}

/** The same for JSON, which stays the same JSON: the characters that it allows and a terminal takes for orders are escaped. */
export function visibleJson(json: string): string {
  return json.replaceAll(steering, escaped);
}

/** A line of Belay's own, with the colours that Belay itself sets. */
export function visibleLine(line: string): string {
  return line
    .split(ownColours)
    .map((part, index) => (index % 2 === 1 ? part : part.replaceAll(steering, mark)))
    .join('');
}

/** One word of a command line for a POSIX shell. */
export function shellWord(text: string): string {
  const shown = visible(text);
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`;
}

/** C0 as the picture of the character, all others by their number. */
function mark(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? '\u2421' : escaped(character);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
