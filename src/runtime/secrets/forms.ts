/**
 * The ways in which a value can turn up in somebody's output: as it is, escaped for JSON, URLs, XML or a shell, in
 * hexadecimal, and in base64 at any place of a longer text.
 */

/** Shorter values would be found everywhere; they are refused where secrets are read. */
export const secretLengthMin = 4;

export interface Form {
  readonly bytes: Buffer;
  /** Tools break it into lines: base64(1), openssl, xxd -p. */
  readonly mayBeFolded: boolean;
}

/** Lines of a value that count on their own: a private key may be printed line by line. */
const lineLengthMin = 12;
/** Shorter parts may be somebody's words. */
const partLengthMin = 12;
/** The base64 of three bytes and less is found in too many texts. */
const base64LengthMin = 6;

/** Every form once, the longest first. */
export function formsOf(values: Iterable<string>): Form[] {
  const plain = new Set<string>();
  const folded = new Set<string>();
  /** Bytes that need not be UTF-8, one character for each. */
  const raw = new Set<string>();
  for (const value of values) {
    for (const text of [value, ...linesOf(value)]) {
      for (const form of escapedForms(text)) plain.add(form);
      raw.add(echoed(text));
    }
    const parts = partsOf(value);
    for (const part of parts) plain.add(part);
    for (const text of [value, ...linesOf(value), ...parts])
      for (const form of encodedForms(Buffer.from(text, 'utf8'))) folded.add(form);
  }
  const forms = [
    ...Array.from(plain, (form) => ({ bytes: Buffer.from(form, 'utf8'), mayBeFolded: false })),
    ...Array.from(raw, (form) => ({ bytes: Buffer.from(form, 'latin1'), mayBeFolded: false })),
    ...Array.from(folded, (form) => ({ bytes: Buffer.from(form, 'utf8'), mayBeFolded: true })),
  ];
  return forms
    .filter(({ bytes }) => bytes.length >= secretLengthMin)
    .sort((left, right) => right.bytes.length - left.bytes.length);
}

/**
 * Runs of letters and digits that no word of a language is: they look the same however the value around them was escaped,
 * and give enough of it away.
 */
function partsOf(value: string): string[] {
  const whole = value.match(/[A-Za-z0-9]+/g) ?? [];
  // What reads escapes takes the first letter behind a backslash for one.
  const escaped = value.match(/(?<=\\[A-Za-z0-9])[A-Za-z0-9]+/g) ?? [];
  return [...whole, ...escaped].filter(
    (run) =>
      run.length >= partLengthMin && /[A-Za-z]/.test(run) && (/\d/.test(run) || /[a-z].*[A-Z]/.test(run)),
  );
}

function linesOf(value: string): string[] {
  if (!value.includes('\n')) return [];
  return value.split(/\r?\n/).filter((line) => line.trim().length >= lineLengthMin);
}

function escapedForms(text: string): string[] {
  const json = JSON.stringify(text).slice(1, -1);
  const uri = encodeURIComponent(text.toWellFormed());
  const uriMore = uri.replaceAll(/[!'()*]/g, (character) => percent(character.charCodeAt(0)));
  const html = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const source = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return [
    text,
    json,
    json.replaceAll('/', '\\/'),
    ascii(json),
    JSON.stringify(json).slice(1, -1),
    uri,
    uri.replaceAll('%20', '+'),
    uri.replaceAll('%2F', '/'),
    uriMore,
    uriMore.replaceAll('%20', '+'),
    uri.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    html,
    html.replaceAll('"', '&quot;'),
    html.replaceAll('"', '&quot;').replaceAll("'", '&#39;'),
    html.replaceAll('"', '&quot;').replaceAll("'", '&#x27;'),
    html.replaceAll('"', '&quot;').replaceAll("'", '&apos;'),
    html.replaceAll('"', '&#34;').replaceAll("'", '&#39;'),
    // What sh -x, bash -x and printf %q make of it, and a program's own quotes.
    text.replaceAll("'", "'\\''"),
    text.replaceAll("'", `'"'"'`),
    text.replaceAll(/[^A-Za-z0-9_@%+=:,./\u{80}-\u{10ffff}-]/gu, '\\$&'),
    source,
    source.replaceAll("'", "\\'"),
    source.replaceAll(/["$`]/g, '\\$&'),
  ];
}

/**
 * The bytes that echo prints where it reads escapes, as that of /bin/sh on Debian does.
 * Source: POSIX, echo, operands (XSI); dash 0.5.12 reads `\1` as it reads `\01`.
 */
function echoed(text: string): string {
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  const [shown = ''] = bytes.split(/(?<=(?:^|[^\\])(?:\\\\)*)\\c/);
  return shown.replaceAll(
    /\\(?:(?<letter>[abefnrtv\\])|(?<octal>0[0-7]{0,3}|[1-7][0-7]{0,2}))/g,
    (_, letter: string | undefined, octal: string) =>
      letter === undefined ? String.fromCharCode(Number.parseInt(octal, 8) & 0xff) : (escapes[letter] ?? ''),
  );
}

const escapes: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  e: '\u001b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};

function percent(code: number): string {
  return `%${code.toString(16).toUpperCase()}`;
}

/** `ä` → `\u00e4`, as serializers write it that keep to ASCII. */
function ascii(json: string): string {
  return json.replaceAll(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function encodedForms(bytes: Buffer): string[] {
  const hex = bytes.toString('hex');
  return [hex, hex.toUpperCase(), ...base64Forms(bytes)];
}

/**
 * The base64 of the value as it stands alone, and the part of it that is the same whatever bytes stand around it,
 * for each of the three places in a group of three at which it can begin.
 */
function base64Forms(bytes: Buffer): string[] {
  const forms = [bytes.toString('base64'), bytes.toString('base64url')];
  for (const shift of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replaceAll('=', '');
    const start = shift === 0 ? 0 : shift + 1;
    const wholeGroups = Math.floor(((shift + bytes.length) * 8) / 6);
    const core = encoded.slice(start, wholeGroups);
    if (core.length >= base64LengthMin) forms.push(core, core.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return forms;
}
