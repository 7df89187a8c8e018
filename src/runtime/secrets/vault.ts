/**
 * Secret values of one execution, in memory only. The engine, the journal and the events know a placeholder; the value
 * takes its place right before an action acts, and is taken out of everything that the action gives back.
 */
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { mask, Redactor } from './redactor.ts';

/** NUL cannot stand in an argument, a file name or a YAML text, so no other value can look like this. */
const nul = '\u0000';
const placeholderPattern = new RegExp(`${nul}secret:([A-Za-z0-9_]+)${nul}`, 'g');

export function secretPlaceholder(parameter: string): string {
  return `\u0000secret:${parameter}\u0000`;
}

/** Shows placeholders, and every other NUL, as `***`: for events and for people. */
export function maskPlaceholders<T>(value: T): T;
export function maskPlaceholders(value: unknown): unknown {
  if (typeof value === 'string')
    return value.includes('\u0000')
      ? value.replaceAll(placeholderPattern, mask).replaceAll('\u0000', '�')
      : value;
  if (Array.isArray(value)) return value.map((item: unknown) => maskPlaceholders(item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [maskPlaceholders(key), maskPlaceholders(member)]),
  );
}

export class Vault {
  readonly redactor: Redactor;
  readonly #values: ReadonlyMap<string, string>;

  /** Values by parameter name. */
  constructor(values: ReadonlyMap<string, string>) {
    this.#values = values;
    this.redactor = new Redactor(values.values());
  }

  /** Puts values in the place of placeholders. */
  reveal(value: JsonObject): JsonObject;
  reveal(value: Json): Json;
  reveal(value: Json): Json {
    if (typeof value === 'string') {
      if (!value.includes('\u0000')) return value;
      return value.replaceAll(
        placeholderPattern,
        (placeholder, name: string) => this.#values.get(name) ?? placeholder,
      );
    }
    if (Array.isArray(value)) return value.map((item: Json) => this.reveal(item));
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, this.reveal(member)]));
  }

  /** Takes values out of what the world gave back, and NULs with them: nothing from outside can become a placeholder. */
  conceal<T>(value: T): T;
  conceal(value: unknown): unknown {
    if (typeof value === 'string') return this.redactor.text(value).replaceAll('\u0000', '�');
    if (Array.isArray(value)) return value.map((item: unknown) => this.conceal(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [this.conceal(key), this.conceal(member)]),
    );
  }

  isSecret(value: Json): boolean {
    return this.redactor.finds(typeof value === 'string' ? value : JSON.stringify(value));
  }
}
