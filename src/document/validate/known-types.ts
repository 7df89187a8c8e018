/**
 * Inputs that are one expression of known type: a String parameter where a list is wanted fails when it runs. AWS finds
 * out at run time only, so this is a warning.
 */
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { baseType, type BaseType } from '../argument.ts';
import { everyDraft, type DocumentDraft, type StepDraft } from '../draft.ts';
import { wholeReference } from '../expression.ts';
import type { Reference } from '../reference.ts';
import type { OutputType } from '../types.ts';
import { inputSpan } from './spans.ts';
import { typeNames } from './schema-words.ts';
import type { ValidationContext } from './context.ts';

type Path = readonly (string | number)[];

const jsonTypes: Readonly<Record<BaseType, readonly string[]>> = {
  String: ['string'],
  StringList: ['array'],
  Boolean: ['boolean'],
  Integer: ['integer', 'number'],
  StringMap: ['object'],
  MapList: ['array'],
};

export function validateKnownTypes(draft: StepDraft, schema: JsonObject, context: ValidationContext): void {
  const visit = (value: Json, wanted: Json | undefined, path: Path, isItem: boolean): void => {
    if (!isJsonObject(wanted)) return;
    if (typeof value === 'string') check(value, wanted, path, isItem);
    else if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) visit(item, wanted['items'], [...path, index], true);
    } else if (isJsonObject(value)) {
      const { properties, additionalProperties } = wanted;
      for (const [key, member] of Object.entries(value)) {
        const isNamed = isJsonObject(properties) && Object.hasOwn(properties, key);
        visit(member, isNamed ? properties[key] : additionalProperties, [...path, key], false);
      }
    }
  };
  const check = (text: string, wanted: JsonObject, path: Path, isItem: boolean): void => {
    const reference = wholeReference(text);
    const type = reference === undefined ? undefined : typeOf(reference, context);
    const accepted = acceptedTypes(wanted);
    if (reference === undefined || type === undefined || accepted === undefined) return;
    // A list in a list is spliced in, so its elements decide, and those are not known to be wrong.
    if (isItem && jsonTypes[type].includes('array')) return;
    if (jsonTypes[type].some((name) => accepted.has(name))) return;
    context.report.warn(
      'WRONG_INPUT',
      inputSpan(draft, path),
      `step "${draft.step.name}" wants ${typeNames([...accepted])} here, but {{ ${reference.text} }} is ${type}`,
    );
  };
  visit(draft.step.inputs, schema, [], false);
}

/** The type of a parameter or declared output; undefined where it cannot be known. */
function typeOf(reference: Reference, { draft }: ValidationContext): BaseType | undefined {
  if (reference.kind === 'parameter') {
    const { parameters } = draft.document;
    const parameter = Object.hasOwn(parameters, reference.name) ? parameters[reference.name] : undefined;
    return parameter === undefined ? undefined : baseType(parameter.type);
  }
  if (reference.kind !== 'output') return undefined;
  return declaredTypes(draft).get(`${reference.step}.${reference.output}`);
}

const declared = new WeakMap<DocumentDraft, ReadonlyMap<string, OutputType>>();

/** `Step.Output` → type, for the declared outputs of the main steps and of those nested in them. */
function declaredTypes(draft: DocumentDraft): ReadonlyMap<string, OutputType> {
  const known = declared.get(draft);
  if (known !== undefined) return known;
  const types = new Map(
    [...everyDraft(draft.steps)].flatMap(({ step }) =>
      step.outputs.map(({ Name, Type }): [string, OutputType] => [`${step.name}.${Name}`, Type]),
    ),
  );
  declared.set(draft, types);
  return types;
}

/** The JSON types that a schema names; undefined when it does not say, or not in these words. */
function acceptedTypes(schema: JsonObject): ReadonlySet<string> | undefined {
  const { type, anyOf, enum: values, const: value } = schema;
  if (typeof type === 'string') return new Set([type]);
  if (Array.isArray(type)) return new Set(type.filter((name) => typeof name === 'string'));
  if (value !== undefined) return new Set([jsonTypeOf(value)]);
  if (Array.isArray(values)) return new Set(values.map(jsonTypeOf));
  if (!Array.isArray(anyOf)) return undefined;
  const accepted = new Set<string>();
  for (const branch of anyOf as readonly Json[]) {
    const types = isJsonObject(branch) ? acceptedTypes(branch) : undefined;
    if (types === undefined) return undefined;
    for (const name of types) accepted.add(name);
  }
  return accepted;
}

function jsonTypeOf(value: Json): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
