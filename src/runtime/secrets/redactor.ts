/**
 * Takes secret values out of everything that leaves the process: texts, JSON and byte streams, in every form in which
 * they can turn up (forms.ts). It knows values, not places, so a value is found wherever it stands.
 */
import { FormIndex } from './form-index.ts';
import { formsOf, linesOf, type Form } from './forms.ts';

export { secretLengthMin } from './forms.ts';

export const mask = '***';
const maskBytes = Buffer.from(mask);
const nothing = new Uint8Array();

export interface StreamRedactor {
  /** What can be written by now; may be a part of the chunk itself. Holds back bytes that may be the beginning of a secret. */
  push(chunk: Uint8Array): Uint8Array;
  /** The rest. */
  end(): Uint8Array;
}

export class Redactor {
  readonly #index: FormIndex | undefined;

  /**
   * `partsOfLines` false: of a value of several lines, a line counts, and no part of one. A private key holds its public key.
   * Nor does a line count that every key of its kind has.
   */
  constructor(values: Iterable<string>, { partsOfLines = true }: { readonly partsOfLines?: boolean } = {}) {
    const all = [...values];
    const ofEveryKey = partsOfLines ? [] : all.map(linesOfEveryKey);
    const tellsNothing = ({ recipe, value }: Form): boolean =>
      (all[value]?.includes('\n') ?? false) &&
      (recipe.startsWith('p') || ofEveryKey[value]?.has(nameOf(recipe)) === true);
    const forms = formsOf(all).filter((form) => partsOfLines || !tellsNothing(form));
    this.#index = forms.length === 0 ? undefined : new FormIndex(forms);
  }

  text(value: string): string {
    if (this.#index === undefined) return value;
    const { shown, found } = redact(this.#index, Buffer.from(value, 'utf8'), true);
    return found ? Buffer.concat(shown).toString('utf8') : value;
  }

  /** Whether a secret is in the value, in any form. */
  finds(value: string): boolean {
    return this.#index !== undefined && redact(this.#index, Buffer.from(value, 'utf8'), true).found;
  }

  stream(): StreamRedactor {
    const index = this.#index;
    if (index === undefined) return { push: (chunk) => chunk, end: () => nothing };
    let held: Uint8Array = nothing;
    const take = (bytes: Buffer, isEnd: boolean): Uint8Array => {
      const { shown, rest } = redact(index, bytes, isEnd);
      held = Buffer.from(rest);
      return shown.length === 1 ? (shown[0] ?? nothing) : Buffer.concat(shown);
    };
    return {
      push: (chunk) => take(held.length === 0 ? viewOf(chunk) : Buffer.concat([held, chunk]), false),
      end: () => take(viewOf(held), true),
    };
  }
}

/** As bytes, an OpenSSH key that needs no passphrase opens with these; its public key follows. */
const openSshOpening = Buffer.concat([
  Buffer.from('openssh-key-v1\0'),
  ...['none', 'none'].map((word) => Buffer.from(`\0\0\0\x04${word}`)),
]);

/** Names of the lines with which any two keys of a kind begin or end (RFC 7468; PROTOCOL.key of OpenSSH). */
function linesOfEveryKey(value: string): ReadonlySet<string> {
  const own = linesOf(value).filter(({ text }) => {
    const line = text.trim();
    if (/^-----(?:BEGIN|END) [^-]+-----$/.test(line)) return true;
    return Buffer.from(line, 'base64').subarray(0, openSshOpening.length).equals(openSshOpening);
  });
  return new Set(own.map(({ name }) => name));
}

/** Which part of its value a recipe is of. */
function nameOf(recipe: string): string {
  return recipe.slice(0, recipe.indexOf('.'));
}

/** The same bytes, not a copy of them. */
function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

interface Redacted {
  readonly shown: readonly Uint8Array[];
  /** What a later byte may still turn into a secret, or into a longer one. */
  readonly rest: Uint8Array;
  readonly found: boolean;
}

/** The longest form at the first place counts, then the first place behind it. */
function redact(index: FormIndex, bytes: Buffer, isEnd: boolean): Redacted {
  const shown: Uint8Array[] = [];
  let shownTo = 0;
  let found = false;
  for (let place = index.next(bytes, 0); place < bytes.length; place = index.next(bytes, place)) {
    const match = index.at(bytes, place);
    if (match.mayGrow && !isEnd) {
      shown.push(bytes.subarray(shownTo, place));
      return { shown, rest: bytes.subarray(place), found };
    }
    if (match.end === undefined) {
      place += 1;
      continue;
    }
    found = true;
    shown.push(bytes.subarray(shownTo, place), maskBytes);
    shownTo = match.end;
    place = match.end;
  }
  shown.push(bytes.subarray(shownTo));
  return { shown, rest: nothing, found };
}
