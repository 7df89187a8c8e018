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
  /** The place of its value among those given. */
  readonly value: number;
  /**
   * How to make it of the value again: which part of it (`v` the whole, `l2` a line, `p0` a run of letters) and how that is
   * written. Journals hold recipes: a recipe never changes its meaning, and no part of one is long enough to be a secret.
   */
  readonly recipe: string;
}

/** Lines of a value that count on their own: a private key may be printed line by line. */
const lineLengthMin = 12;
/** Shorter parts may be somebody's words. */
const partLengthMin = 12;
/** The base64 of three bytes and less is found in too many texts. */
const base64LengthMin = 6;

/** Every form once, the longest first. */
export function formsOf(values: Iterable<string>): Form[] {
  const known = new Map<string, Form>();
  let index = 0;
  for (const value of values) {
    for (const form of formsOfValue(value, index)) {
      const key = `${form.mayBeFolded ? 'f' : 'p'}${form.bytes.toString('latin1')}`;
      if (form.bytes.length >= secretLengthMin && !known.has(key)) known.set(key, form);
    }
    index += 1;
  }
  return [...known.values()].sort((left, right) => right.bytes.length - left.bytes.length);
}

/** The bytes that a recipe gives; undefined: the value has no such part. */
export function bytesOf(value: string, recipe: string): Buffer | undefined {
  return Array.from(formsOfValue(value, 0)).find((form) => form.recipe === recipe)?.bytes;
}

function* formsOfValue(value: string, index: number): Generator<Form> {
  const form = (bytes: Buffer, recipe: string, mayBeFolded: boolean): Form => ({
    bytes,
    mayBeFolded,
    value: index,
    recipe,
  });
  const whole: Piece = { name: 'v', text: value };
  const lines = linesOf(value);
  const parts = partsOf(value).map((text, place) => ({ name: `p${place}`, text }));
  for (const { name, text } of [whole, ...lines]) {
    for (const [how, escaped] of Object.entries(escapedForms(text)))
      yield form(Buffer.from(escaped, 'utf8'), `${name}.${how}`, false);
    yield form(Buffer.from(echoed(text), 'latin1'), `${name}.e`, false);
  }
  for (const { name, text } of parts) yield form(Buffer.from(text, 'utf8'), `${name}.t`, false);
  for (const { name, text } of [whole, ...lines, ...parts]) {
    for (const [how, encoded] of encodedForms(Buffer.from(text, 'utf8')))
      yield form(Buffer.from(encoded, 'utf8'), `${name}.${how}`, true);
  }
}

/** A value, or a part of one. */
export interface Piece {
  /** As recipes begin: `v`, `l2`, `p0`. */
  readonly name: string;
  readonly text: string;
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

/** Those that count by themselves; a value of one line has none. */
export function linesOf(value: string): Piece[] {
  if (!value.includes('\n')) return [];
  const lines = value.split(/\r?\n/).filter((line) => line.trim().length >= lineLengthMin);
  return lines.map((text, place) => ({ name: `l${place}`, text }));
}

/** By the second half of a recipe. */
function escapedForms(text: string): Readonly<Record<string, string>> {
  const json = JSON.stringify(text).slice(1, -1);
  const uri = encodeURIComponent(text.toWellFormed());
  const uriMore = uri.replaceAll(/[!'()*]/g, (character) => percent(character.charCodeAt(0)));
  const html = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const quoted = html.replaceAll('"', '&quot;');
  const source = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return {
    t: text,
    j: json,
    j1: json.replaceAll('/', '\\/'),
    j2: ascii(json),
    j3: JSON.stringify(json).slice(1, -1),
    u: uri,
    u1: uri.replaceAll('%20', '+'),
    u2: uri.replaceAll('%2F', '/'),
    u3: uriMore,
    u4: uriMore.replaceAll('%20', '+'),
    u5: uri.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    x: html,
    x1: quoted,
    x2: quoted.replaceAll("'", '&#39;'),
    x3: quoted.replaceAll("'", '&#x27;'),
    x4: quoted.replaceAll("'", '&apos;'),
    x5: html.replaceAll('"', '&#34;').replaceAll("'", '&#39;'),
    // What sh -x, bash -x and printf %q make of it, and a program's own quotes.
    s: text.replaceAll("'", "'\\''"),
    s1: text.replaceAll("'", `'"'"'`),
    s2: text.replaceAll(/[^A-Za-z0-9_@%+=:,./\u{80}-\u{10ffff}-]/gu, '\\$&'),
    q: source,
    q1: source.replaceAll("'", "\\'"),
    q2: source.replaceAll(/["$`]/g, '\\$&'),
  };
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

/** With the second half of their recipes. */
function encodedForms(bytes: Buffer): [string, string][] {
  const hex = bytes.toString('hex');
  return [['h', hex], ['h1', hex.toUpperCase()], ...base64Forms(bytes)];
}

/**
 * The base64 of the value as it stands alone, and the part of it that is the same whatever bytes stand around it,
 * for each of the three places in a group of three at which it can begin.
 */
function base64Forms(bytes: Buffer): [string, string][] {
  const forms: [string, string][] = [
    ['b', bytes.toString('base64')],
    ['w', bytes.toString('base64url')],
  ];
  for (const shift of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replaceAll('=', '');
    const start = shift === 0 ? 0 : shift + 1;
    const wholeGroups = Math.floor(((shift + bytes.length) * 8) / 6);
    const core = encoded.slice(start, wholeGroups);
    if (core.length >= base64LengthMin)
      forms.push([`b${shift}`, core], [`w${shift}`, core.replaceAll('+', '-').replaceAll('/', '_')]);
  }
  return forms;
}
