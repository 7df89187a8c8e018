/**
 * Takes secret values out of everything that leaves the process: texts, JSON and byte streams, in plain, JSON, URL,
 * base64 (at any alignment) and hexadecimal form. It knows values, not places, so a value is found wherever it turns up.
 */
export const mask = '***';

/** Shorter values would be found everywhere; they are refused where secrets are read. */
export const secretLengthMin = 4;

/** Lines of a value that count on their own: a private key may be printed line by line. */
const lineLengthMin = 12;

export interface StreamRedactor {
  /** What can be written by now. Holds back bytes that may be the beginning of a secret. */
  push(chunk: Uint8Array): Uint8Array;
  /** The rest. */
  end(): Uint8Array;
}

export class Redactor {
  /** Forms as binary strings, longest first. */
  readonly #forms: readonly string[];
  readonly #pattern: RegExp | undefined;
  readonly #longest: number;

  constructor(values: Iterable<string>) {
    const forms = new Set<string>();
    for (const value of values) for (const form of formsOf(value)) forms.add(binary(form));
    this.#forms = [...forms].sort((left, right) => right.length - left.length);
    this.#longest = this.#forms[0]?.length ?? 0;
    this.#pattern =
      this.#forms.length === 0
        ? undefined
        : new RegExp(this.#forms.map((form) => RegExp.escape(form)).join('|'), 'g');
  }

  text(value: string): string {
    if (this.#pattern === undefined) return value;
    const bytes = binary(value);
    this.#pattern.lastIndex = 0;
    return this.#pattern.test(bytes)
      ? Buffer.from(bytes.replace(this.#pattern, mask), 'latin1').toString('utf8')
      : value;
  }

  /** Whether a secret stands in the value, in any form. */
  finds(value: string): boolean {
    return this.text(value) !== value;
  }

  stream(): StreamRedactor {
    const pattern = this.#pattern;
    if (pattern === undefined) return { push: (chunk) => chunk, end: () => new Uint8Array() };
    let held = '';
    return {
      push: (chunk) => {
        const { shown, rest } = this.#certain(held + Buffer.from(chunk).toString('latin1'), pattern);
        held = rest;
        return Buffer.from(shown, 'latin1');
      },
      end: () => {
        const rest = held.replace(pattern, mask);
        held = '';
        return Buffer.from(rest, 'latin1');
      },
    };
  }

  /** Shows what no later byte can change: everything before the first place at which a longer form may still grow. */
  #certain(bytes: string, pattern: RegExp): { readonly shown: string; readonly rest: string } {
    let shown = '';
    let from = 0;
    for (;;) {
      const open = this.#openPlace(bytes, from);
      pattern.lastIndex = from;
      const match = pattern.exec(bytes);
      if (match === null || match.index >= open)
        return { shown: shown + bytes.slice(from, open), rest: bytes.slice(open) };
      shown += bytes.slice(from, match.index) + mask;
      from = match.index + match[0].length;
    }
  }

  /** The first place from which the rest is the beginning, and not the whole, of a form; the end where there is none. */
  #openPlace(bytes: string, from: number): number {
    for (let place = Math.max(from, bytes.length - this.#longest + 1); place < bytes.length; place += 1) {
      const tail = bytes.slice(place);
      if (this.#forms.some((form) => form.length > tail.length && form.startsWith(tail))) return place;
    }
    return bytes.length;
  }
}

const binary = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

function formsOf(value: string): string[] {
  const lines = value.includes('\n')
    ? value.split('\n').filter((line) => line.trim().length >= lineLengthMin)
    : [];
  return [value, ...lines].flatMap((text) => {
    const bytes = Buffer.from(text, 'utf8');
    const uri = encodeURIComponent(text);
    return [
      text,
      JSON.stringify(text).slice(1, -1),
      uri,
      uri.replaceAll('%20', '+'),
      uri.replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`),
      bytes.toString('hex'),
      bytes.toString('hex').toUpperCase(),
      ...base64Forms(bytes),
    ].filter((form) => form.length >= secretLengthMin);
  });
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
    if (core.length >= 6) forms.push(core, core.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return forms;
}
