/** Finds forms of secrets in bytes: a filter over the first four bytes rules out nearly every place at once. */
import type { Form } from './forms.ts';

export interface FormMatch {
  /** Behind the longest form that begins at the place. */
  readonly end: number | undefined;
  readonly form: Form | undefined;
  /** Whether a longer form begins there, as far as the bytes go. */
  readonly mayGrow: boolean;
}

const seedLength = 4;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const blank = 0x20;
/** How far a folded form may be indented. */
const indentMax = 16;

const noMatch: FormMatch = { end: undefined, form: undefined, mayGrow: false };
/** The bytes end before it can be told. */
const open = -1;
const differs = -2;

export class FormIndex {
  /** Forms by their first four bytes, each list in the order given: the longest first. */
  readonly #bySeed = new Map<number, Form[]>();
  /** One bit for each hash of a seed. */
  readonly #filter = new Uint8Array(1 << 13);
  /** The first one, two and three bytes of every form, for places where the bytes end. */
  readonly #beginnings = new Map<number, Form[]>();

  /** `forms`: the longest first, none shorter than four bytes. */
  constructor(forms: readonly Form[]) {
    for (const form of forms) {
      for (const beginning of beginningsOf(form)) {
        const seed = seedAt(beginning, 0);
        add(this.#bySeed, seed, form);
        const bit = hash(seed);
        this.#filter[bit >>> 3] = (this.#filter[bit >>> 3] ?? 0) | (1 << (bit & 7));
        for (let length = 1; length < seedLength; length += 1)
          add(this.#beginnings, shortSeed(beginning, 0, length), form);
      }
    }
  }

  /** The first place from here on at which a form may begin; the length of the bytes where there is none. */
  next(bytes: Buffer, from: number): number {
    const filter = this.#filter;
    const last = bytes.length - seedLength;
    let seed = seedAt(bytes, from);
    for (let place = from; place <= last; place += 1) {
      const bit = hash(seed);
      if (((filter[bit >>> 3] ?? 0) & (1 << (bit & 7))) !== 0) return place;
      seed = (seed >>> 8) | ((bytes[place + seedLength] ?? 0) << 24);
    }
    for (let place = Math.max(from, last + 1); place < bytes.length; place += 1)
      if (this.#beginnings.has(shortSeed(bytes, place, bytes.length - place))) return place;
    return bytes.length;
  }

  at(bytes: Buffer, place: number): FormMatch {
    const left = bytes.length - place;
    const forms =
      left >= seedLength
        ? this.#bySeed.get(seedAt(bytes, place))
        : this.#beginnings.get(shortSeed(bytes, place, left));
    if (forms === undefined) return noMatch;
    let longest: Form | undefined;
    let end: number | undefined;
    let mayGrow = false;
    for (const form of forms) {
      const found = matchEnd(bytes, place, form);
      if (found === open) mayGrow = true;
      else if (found !== differs && (end === undefined || found > end)) {
        end = found;
        longest = form;
      }
    }
    return { end, form: longest, mayGrow };
  }
}

/** Where the form that begins at the place ends; `open` or `differs`. */
function matchEnd(bytes: Buffer, place: number, { bytes: form, mayBeFolded }: Form): number {
  let at = place;
  for (let index = 0; index < form.length; index += 1) {
    if (mayBeFolded && index > 0) at = behindFold(bytes, at);
    if (at >= bytes.length) return open;
    if (bytes[at] !== form[index]) return differs;
    at += 1;
  }
  return at;
}

/** The line breaks within a form that was found folded, each by the number of the form's bytes before it. */
export function foldsIn(
  bytes: Buffer,
  place: number,
  { bytes: form }: Form,
): { readonly before: number; readonly fold: string }[] {
  const folds: { before: number; fold: string }[] = [];
  let at = place;
  for (let index = 0; index < form.length; index += 1) {
    if (index > 0 && bytes[at] !== form[index]) {
      const behind = behindFold(bytes, at);
      folds.push({ before: index, fold: bytes.toString('latin1', at, behind) });
      at = behind;
    }
    at += 1;
  }
  return folds;
}

/** Behind a line break and the indent of the next line, if there is one. */
function behindFold(bytes: Buffer, from: number): number {
  let at = from;
  if (bytes[at] === carriageReturn) at += 1;
  if (bytes[at] !== lineFeed) return bytes.length === at ? at : from;
  at += 1;
  for (let indent = 0; indent < indentMax && bytes[at] === blank; indent += 1) at += 1;
  return at;
}

/** The first bytes of the form, and of the form folded within them. */
function beginningsOf({ bytes, mayBeFolded }: Form): Buffer[] {
  const whole = bytes.subarray(0, seedLength);
  if (!mayBeFolded) return [whole];
  const folds = [1, 2, 3].flatMap((length) =>
    ['\n', '\r\n'].flatMap((fold) => {
      const folded = Buffer.concat([whole.subarray(0, length), Buffer.from(fold), whole.subarray(length)]);
      // An indent within the first four bytes: each number of blanks that still shows.
      const indented = [1, 2].map((blanks) =>
        Buffer.concat([
          whole.subarray(0, length),
          Buffer.from(fold + ' '.repeat(blanks)),
          whole.subarray(length),
        ]),
      );
      return [folded, ...indented].map((beginning) => beginning.subarray(0, seedLength));
    }),
  );
  return [whole, ...folds];
}

function add(map: Map<number, Form[]>, key: number, form: Form): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [form]);
  else if (known.at(-1) !== form) known.push(form);
}

function seedAt(bytes: Uint8Array, place: number): number {
  return (
    (bytes[place] ?? 0) |
    ((bytes[place + 1] ?? 0) << 8) |
    ((bytes[place + 2] ?? 0) << 16) |
    ((bytes[place + 3] ?? 0) << 24)
  );
}

/** Of one to three bytes; the length is part of it. */
function shortSeed(bytes: Uint8Array, place: number, length: number): number {
  let seed = length;
  for (let index = 0; index < length; index += 1) seed = seed * 256 + (bytes[place + index] ?? 0);
  return seed;
}

function hash(seed: number): number {
  return Math.imul(seed, 0x9e3779b1) >>> 16;
}
