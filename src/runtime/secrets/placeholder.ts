/**
 * What stands for a secret where its value must not: in the inputs that the engine works with, and in the journal.
 *
 * A NUL opens and closes everything that is meant here, and a NUL of somebody's own text is written twice, so that no text
 * can be mistaken for a placeholder. In inputs, the placeholder of a parameter holds 128 bits that nobody outside can guess:
 * what a host prints is never replaced by a secret.
 */
import { randomBytes } from 'node:crypto';
import { mask } from './redactor.ts';

export const nul = '\u0000';
/** Shown for a NUL. */
const shownNul = '\ufffd';

/** Stands for the parameter's value in the inputs of one execution. */
export function newPlaceholder(parameter: string): string {
  return `${nul}secret:${randomBytes(16).toString('hex')}:${parameter}${nul}`;
}

/**
 * The two ways in which a placeholder stands in inputs, and what the value is then: as it is, and in a list or map that was
 * pasted into a longer text as JSON. `recipe` names it in the journal, apart from those of values in forms.ts: who reads it
 * back is given the placeholder and not the value.
 */
export function spellings(
  placeholder: string,
  value: string,
): readonly { readonly placeholder: string; readonly value: string; readonly recipe: string }[] {
  return [
    { placeholder, value, recipe: 's.t' },
    { placeholder: inJson(placeholder), value: inJson(value), recipe: 's.j' },
  ];
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Whether a secret is meant anywhere in the value. */
export function holdsPlaceholder(value: unknown): boolean {
  if (typeof value === 'string') return /\0secret:[0-9a-f]{32}:/.test(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some((entry) => entry.some(holdsPlaceholder));
}

/** Executions of Belay 0.1 have placeholders that a host could guess: where they count, no NUL from outside may be kept. */
export function isGuessable(placeholder: string): boolean {
  return !/^.secret:[0-9a-f]{32}:/s.test(placeholder);
}

/** For people: every placeholder as `***`, at any depth. Names of members stay apart: `***`, `***(2)`. */
export function maskPlaceholders<T>(value: T): T;
export function maskPlaceholders(value: unknown): unknown {
  if (typeof value === 'string') return maskText(value);
  if (Array.isArray(value)) return value.map((item: unknown) => maskPlaceholders(item));
  if (typeof value !== 'object' || value === null) return value;
  const masked = new Map<string, unknown>();
  for (const [key, member] of Object.entries(value)) {
    const shown = maskText(key);
    let name = shown;
    for (let count = 2; masked.has(name) || (name !== key && Object.hasOwn(value, name)); count += 1)
      name = `${shown}(${count})`;
    masked.set(name, maskPlaceholders(member));
  }
  return Object.fromEntries(masked);
}

function maskText(text: string): string {
  if (!text.includes(nul)) return text;
  if (text.startsWith(numberMark)) return mask;
  return (
    text
      // As the journal keeps the arguments of a child: closed once more.
      .replaceAll(/\0\0secret:[0-9a-f]{32}:[^\0]*\0\0/g, mask)
      .replaceAll(/\0([^\0]*)(?:\0|$)/g, (_, inner: string) => (inner === '' ? shownNul : mask))
  );
}

/** Opens a text that stands for a number in whose digits a secret was found. */
export const numberMark = `${nul}#${nul}`;
