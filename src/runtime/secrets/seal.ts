/**
 * JSON with secrets in it → JSON without them, and back, byte for byte. What takes the place of a secret says which one it
 * was and how it was written (forms.ts), so that only who has the secret can read it. Names of members are treated as
 * their values are; two that differ stay different.
 */
import { isJsonObject, type Json } from '../../json.ts';
import { foldsIn, FormIndex } from './form-index.ts';
import { bytesOf, formsOf, type Form } from './forms.ts';
import { nul, numberMark, spellings } from './placeholder.ts';

export interface SealedSecret {
  readonly name: string;
  readonly value: string;
  /** What stands for it in the engine's inputs; it is sealed like the value. */
  readonly placeholder: string;
}

export class Seal {
  readonly #secrets: readonly SealedSecret[];
  readonly #index: FormIndex | undefined;
  readonly #recipes = new Map<string, string | undefined>();

  constructor(secrets: readonly SealedSecret[]) {
    this.#secrets = secrets;
    const forms = formsOf(secrets.map(({ value }) => value));
    this.#index = forms.length === 0 ? undefined : new FormIndex(forms);
  }

  close(value: Json): Json {
    if (typeof value === 'string') return this.closeText(value);
    if (typeof value === 'number') {
      const closed = this.closeText(String(value));
      return closed.includes(nul) ? `${numberMark}${closed}` : value;
    }
    return mapped(
      value,
      (text) => this.closeText(text),
      (inner) => this.close(inner),
    );
  }

  open(value: Json): Json {
    if (typeof value === 'string') {
      if (!value.startsWith(numberMark)) return this.openText(value);
      const digits = this.openText(value.slice(numberMark.length));
      return digits.includes(nul) ? value : Number(digits);
    }
    return mapped(
      value,
      (text) => this.openText(text),
      (inner) => this.open(inner),
    );
  }

  closeText(text: string): string {
    let pieces: readonly Piece[] = [{ text, isClosed: false }];
    for (const { name, placeholder, value } of this.#secrets)
      for (const spelling of spellings(placeholder, value))
        pieces = pieces.flatMap((piece) =>
          splitAt(piece, spelling.placeholder, `${nul}${name}:${spelling.recipe}${nul}`),
        );
    return pieces.map((piece) => (piece.isClosed ? piece.text : this.#closePiece(piece.text))).join('');
  }

  openText(text: string): string {
    if (!text.includes(nul)) return text;
    return text.replaceAll(/\0([^\0]*)\0/g, (closed, inner: string) =>
      inner === '' ? nul : (this.#opened(inner) ?? closed),
    );
  }

  #closePiece(text: string): string {
    // Half a character is not a part of a secret, and has no bytes of its own.
    if (!text.isWellFormed())
      return text
        .split(/(\p{Surrogate})/u)
        .map((part) => (part.isWellFormed() ? this.#closePiece(part) : part))
        .join('');
    const index = this.#index;
    if (index === undefined) return escaped(text);
    const bytes = Buffer.from(text, 'utf8');
    const closed: string[] = [];
    let from = 0;
    for (let place = index.next(bytes, 0); place < bytes.length; place = index.next(bytes, place)) {
      const { end, form } = index.at(bytes, place);
      if (form === undefined || end === undefined || !isCharacter(bytes, place) || !isCharacter(bytes, end)) {
        place += 1;
        continue;
      }
      closed.push(escaped(bytes.toString('utf8', from, place)), this.#closedForm(bytes, place, form));
      from = end;
      place = end;
    }
    if (from === 0) return escaped(text);
    closed.push(escaped(bytes.toString('utf8', from)));
    return closed.join('');
  }

  #closedForm(bytes: Buffer, place: number, form: Form): string {
    const name = this.#secrets[form.value]?.name ?? '';
    const folds = form.mayBeFolded ? foldsIn(bytes, place, form) : [];
    const folded = folds.map(({ before, fold }) => {
      const end = fold.startsWith('\r') ? 'r' : 'n';
      return `@${before}${end}${fold.length - fold.indexOf('\n') - 1}`;
    });
    return `${nul}${name}:${form.recipe}${folded.join('')}${nul}`;
  }

  /** The text that a placeholder stands for; undefined: this is none, or its secret is not at hand. */
  #opened(inner: string): string | undefined {
    if (!this.#recipes.has(inner)) this.#recipes.set(inner, this.#made(inner));
    return this.#recipes.get(inner);
  }

  #made(inner: string): string | undefined {
    const found = /^(?<name>\w+):(?<recipe>[a-z0-9]+\.[a-z0-9]+)(?<folds>(?:@\d+[nr]\d+)*)$/.exec(inner);
    const { name = '', recipe = '', folds = '' } = found?.groups ?? {};
    const secret = this.#secrets.find((known) => known.name === name);
    const spelling = spellings(secret?.placeholder ?? '', '').find((known) => known.recipe === recipe);
    if (spelling !== undefined) return secret === undefined ? undefined : spelling.placeholder;
    const bytes = secret === undefined ? undefined : bytesOf(secret.value, recipe);
    if (bytes === undefined) return undefined;
    const pieces: string[] = [];
    let from = 0;
    for (const [, before = '', end, indent = ''] of folds.matchAll(/@(\d+)([nr])(\d+)/g)) {
      pieces.push(bytes.toString('utf8', from, Number(before)), end === 'r' ? '\r\n' : '\n');
      pieces.push(' '.repeat(Number(indent)));
      from = Number(before);
    }
    return pieces.join('') + bytes.toString('utf8', from);
  }
}

interface Piece {
  readonly text: string;
  readonly isClosed: boolean;
}

function splitAt(piece: Piece, separator: string, closed: string): Piece[] {
  if (piece.isClosed || !piece.text.includes(separator)) return [piece];
  return piece.text
    .split(separator)
    .flatMap((text, place) => [
      ...(place === 0 ? [] : [{ text: closed, isClosed: true }]),
      { text, isClosed: false },
    ]);
}

function mapped(value: Json, key: (text: string) => string, inner: (value: Json) => Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => inner(item));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [key(name), inner(member)]));
}

function escaped(text: string): string {
  return text.includes(nul) ? text.replaceAll(nul, nul + nul) : text;
}

/** Whether a character begins at the place, or the bytes end there. */
function isCharacter(bytes: Buffer, place: number): boolean {
  return ((bytes[place] ?? 0) & 0xc0) !== 0x80;
}
