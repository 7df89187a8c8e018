/**
 * Secret values of one execution, in memory only. The engine's inputs hold placeholders; the value takes its place right
 * before an action acts. What an action gives back is data and stays as it is in memory; on its way into the journal the
 * secrets in it are sealed, and on its way back they are put in again.
 */
import type { Path } from '../../document/index.ts';
import type { ActivityKind, EngineEvent, ExecutionResult, Outcome } from '../../engine/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { isGuessable, maskPlaceholders, spellings } from './placeholder.ts';
import { Redactor } from './redactor.ts';
import { Seal, type SealedSecret } from './seal.ts';
import { mapEvent, mapOutcome, mapResult } from './value-positions.ts';

export interface VaultOptions {
  /** What everybody may read: the runbook, and parameters that are not secret. */
  readonly open?: unknown;
  /** Secrets that have another value than the one that the execution began with. */
  readonly changed?: readonly string[];
}

/** Inputs with the values in them, and what an action may ask of them. */
export interface RevealedInputs {
  readonly inputs: JsonObject;
  /** Whether a secret is in the value, at any depth. */
  readonly isSecret: (value: Json) => boolean;
}

export class Vault {
  /** Takes every form of a secret out of what people read. */
  readonly redactor: Redactor;
  readonly #spellings: readonly { readonly placeholder: string; readonly value: string }[];
  readonly #seal: Seal;
  /** Of the secrets that are no words, and that the runbook does not hold itself: a word says nothing about where it came from. */
  readonly #unmistakable: Redactor;
  readonly #isGuessable: boolean;
  readonly #changed: readonly SealedSecret[];

  constructor(secrets: Iterable<SealedSecret>, { open = null, changed = [] }: VaultOptions = {}) {
    const all = [...secrets];
    this.#spellings = all.flatMap(({ placeholder, value }) => spellings(placeholder, value));
    this.redactor = new Redactor(all.map(({ value }) => value));
    this.#seal = new Seal(all);
    const closed = all.filter(
      ({ value }) => !isWord(value) && !someText(open, (text) => text.includes(value)),
    );
    this.#unmistakable = new Redactor(
      closed.map(({ value }) => value),
      { partsOfLines: false },
    );
    this.#changed = all.filter(({ name }) => changed.includes(name));
    this.#isGuessable = all.some(({ placeholder }) => isGuessable(placeholder));
  }

  /** Puts values in the place of placeholders. */
  reveal(inputs: JsonObject): RevealedInputs {
    const given = new Set<string>();
    const revealed = this.#reveal(inputs, given) as JsonObject;
    return {
      inputs: revealed,
      isSecret: (value) => someText(value, (text) => given.has(text) || this.#unmistakable.finds(text)),
    };
  }

  /** The first place of the inputs, as they are before values are put in, at which a secret stands; undefined: none but those allowed. */
  secretPlace(inputs: JsonObject, isAllowed: (path: Path) => boolean): Path | undefined {
    const holds = (text: string): boolean =>
      this.#spellings.some(({ placeholder }) => text.includes(placeholder)) || this.#unmistakable.finds(text);
    const look = (value: Json, path: Path): Path | undefined => {
      if (isAllowed(path)) return undefined;
      if (typeof value === 'string' || typeof value === 'number')
        return holds(String(value)) ? path : undefined;
      if (typeof value !== 'object' || value === null) return undefined;
      for (const [key, member] of Object.entries(value as JsonObject)) {
        const found = holds(key) ? [...path, key] : look(member, [...path, key]);
        if (found !== undefined) return found;
      }
      return undefined;
    };
    return look(inputs, []);
  }

  /** Whether a secret stands anywhere in the inputs, as they are before values are put in. */
  holdsSecret(inputs: JsonObject): boolean {
    return this.secretPlace(inputs, () => false) !== undefined;
  }

  /** A secret in the inputs, as they are before values are put in, that had another value when the execution began. */
  changedSecret(inputs: JsonObject): string | undefined {
    return this.#changed.find(({ placeholder }) => someText(inputs, (text) => text.includes(placeholder)))
      ?.name;
  }

  /** As the journal keeps it: no secret is in it, and `unsealed` gives it back as it was. */
  sealed<K extends ActivityKind>(kind: K, outcome: Outcome<K>): Outcome<K> {
    return mapOutcome(kind, outcome, (value) => this.#seal.close(value));
  }

  unsealed<K extends ActivityKind>(kind: K, outcome: Outcome<K>): Outcome<K> {
    return mapOutcome(kind, outcome, (value) => this.#seal.open(value));
  }

  sealedEvent(event: EngineEvent): EngineEvent {
    return mapEvent(event, (value) => this.#seal.close(value));
  }

  /** What a child came to. */
  sealedResult(result: ExecutionResult): ExecutionResult {
    return mapResult(result, (value) => this.#seal.close(value));
  }

  unsealedResult(result: ExecutionResult): ExecutionResult {
    return mapResult(result, (value) => this.#seal.open(value));
  }

  /** The arguments of a child: an output that holds a secret may be one. */
  sealedArguments(parameters: JsonObject): JsonObject {
    return this.#seal.close(parameters) as JsonObject;
  }

  unsealedArguments(parameters: JsonObject): JsonObject {
    return this.#seal.open(parameters) as JsonObject;
  }

  /** For people: placeholders and every form of a secret as `***`. */
  masked(text: string): string {
    return this.redactor.text(maskPlaceholders(text));
  }

  /** What the world gave back, where a NUL in it could be taken for a placeholder. */
  admitted<T extends Json>(value: T): T {
    return this.#isGuessable ? (withoutNul(value) as T) : value;
  }

  #reveal(value: Json, given: Set<string>): Json {
    if (typeof value === 'string') {
      const revealed = this.#spellings.reduce(
        (text, spelling) => text.replaceAll(spelling.placeholder, () => spelling.value),
        value,
      );
      if (revealed !== value) given.add(revealed);
      return revealed;
    }
    if (Array.isArray(value)) return value.map((item: Json) => this.#reveal(item, given));
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        this.#reveal(key, given) as string,
        this.#reveal(member, given),
      ]),
    );
  }
}

/** A name or a number, as hosts have many: found somewhere, it need not have come from the secret. */
function isWord(value: string): boolean {
  return value.length < 8 || /^(?:[A-Za-z]?[a-z]{0,15}|\d{0,15})$/.test(value);
}

/** Whether it holds of any text in the value, names of members included. */
function someText(value: unknown, holds: (text: string) => boolean): boolean {
  if (typeof value === 'string') return holds(value);
  if (typeof value === 'number') return holds(String(value));
  if (Array.isArray(value)) return value.some((item: unknown) => someText(item, holds));
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, member]) => holds(key) || someText(member, holds));
}

function withoutNul(value: Json): Json {
  if (typeof value === 'string') return value.replaceAll('\u0000', '\ufffd');
  if (Array.isArray(value)) return value.map((item: Json) => withoutNul(item));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutNul(member)]));
}
