/**
 * Inputs that are one expression of known type: a String parameter where a list is wanted fails when it runs. AWS finds
 * out at run time only, so this is a warning; of aws:runCommand it compares the types of parameters when the document is made.
 */
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { isAwsAction } from '../fit-inputs.ts';
import { acceptedTypes, memberSchema } from '../schema-types.ts';
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

/** What is made fit when the step runs (fit-inputs.ts), where the value allows it. */
const scalars: readonly BaseType[] = ['String', 'Boolean', 'Integer'];
const scalarTypes = ['string', 'integer', 'number', 'boolean'];

export function validateKnownTypes(draft: StepDraft, schema: JsonObject, context: ValidationContext): void {
  const isTypedInSsm = context.catalog.action(draft.step.action)?.typesHoldInSsm === true;
  const canFit = isAwsAction(draft.step.action) && !context.strictSsm;
  const visit = (value: Json, wanted: Json | undefined, path: Path, isItem: boolean): void => {
    if (!isJsonObject(wanted)) return;
    if (typeof value === 'string') check(value, wanted, path, isItem);
    else if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) visit(item, wanted['items'], [...path, index], true);
    } else if (isJsonObject(value)) {
      for (const [key, member] of Object.entries(value))
        visit(member, memberSchema(wanted, key), [...path, key], false);
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
    if (canFit && scalars.includes(type) && ![...accepted].every((name) => name === 'object')) return;
    const message = `step "${draft.step.name}" wants ${typeNames([...accepted])} here, but {{ ${reference.text} }} is ${type}`;
    const { report, strictSsm } = context;
    // AWS's schema takes text for numbers and booleans there, too.
    const areScalars = scalars.includes(type) && scalarTypes.some((name) => accepted.has(name));
    const isHeldTo = strictSsm && isTypedInSsm && !areScalars && reference.kind === 'parameter';
    if (isHeldTo) report.error('WRONG_INPUT', inputSpan(draft, path), message);
    else report.warn('WRONG_INPUT', inputSpan(draft, path), message);
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
