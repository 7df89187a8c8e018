/** Reads the members of a call; what has the wrong type is refused as AWS refuses it. */
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { AwsNotModelled, AwsRefusal } from './refusal.ts';

export class Params {
  readonly #values: JsonObject;

  constructor(values: JsonObject) {
    this.#values = values;
  }

  /** Everything that was given, for comparing two requests. */
  get values(): JsonObject {
    return this.#values;
  }

  has(member: string): boolean {
    return this.#values[member] !== undefined && this.#values[member] !== null;
  }

  text(member: string): string | undefined {
    const value = this.#values[member] ?? undefined;
    if (value === undefined || typeof value === 'string') return value;
    throw wrongType(member, 'a string', value);
  }

  needText(member: string): string {
    const value = this.text(member);
    if (value === undefined || value === '') throw missing(member);
    return value;
  }

  flag(member: string): boolean {
    const value = this.#values[member] ?? false;
    if (typeof value === 'boolean') return value;
    throw wrongType(member, 'a boolean', value);
  }

  /** Undefined when absent: that is not the same as no. */
  maybeFlag(member: string): boolean | undefined {
    return this.has(member) ? this.flag(member) : undefined;
  }

  count(member: string): number | undefined {
    const value = this.#values[member] ?? undefined;
    if (value === undefined || typeof value === 'number') return value;
    throw wrongType(member, 'a number', value);
  }

  texts(member: string): string[] {
    return this.#list(member).map((value) => {
      if (typeof value === 'string') return value;
      throw wrongType(member, 'a list of strings', value);
    });
  }

  objects(member: string): Params[] {
    return this.#list(member).map((value) => {
      if (isJsonObject(value)) return new Params(value);
      throw wrongType(member, 'a list of structures', value);
    });
  }

  object(member: string): Params | undefined {
    const value = this.#values[member] ?? undefined;
    if (value === undefined) return undefined;
    if (isJsonObject(value)) return new Params(value);
    throw wrongType(member, 'a structure', value);
  }

  /** Refuses members beside these, named with the path that leads here. */
  onlyKnows(members: readonly string[], path = ''): void {
    for (const member of Object.keys(this.#values)) {
      if (this.has(member) && !members.includes(member))
        throw new AwsNotModelled(`the member ${path}${member} of this call`);
    }
  }

  #list(member: string): readonly Json[] {
    const value = this.#values[member] ?? [];
    if (Array.isArray(value)) return value;
    throw wrongType(member, 'a list', value);
  }
}

export function missing(member: string): AwsRefusal {
  return new AwsRefusal('MissingParameter', `The request must contain the parameter ${member}`);
}

function wrongType(member: string, wanted: string, value: unknown): AwsRefusal {
  return new AwsRefusal('InvalidParameterValue', `${member} must be ${wanted}, not ${JSON.stringify(value)}`);
}
