/** A rule's Inputs against the schema of its check: one sentence for each problem, at the value that has it. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { toJson, valueRule, type Entry, type MapNode, type MapReader, type Span } from '../document/index.ts';
import { locate } from '../document/tree.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import type { CheckDescription } from './checks.ts';
import { reportRule } from './errors.ts';

const ajv = new Ajv2020({
  allErrors: true,
  strict: false,
  verbose: true,
  validateFormats: false,
  meta: false,
  validateSchema: false,
  // Making it shorter costs more than it saves: it looks at few values.
  code: { optimize: false },
});
const compiled = new WeakMap<JsonObject, ValidateFunction>();

export function checkInputs(
  reader: MapReader,
  inputs: (Entry & { readonly value: MapNode }) | undefined,
  description: CheckDescription,
  secrets: readonly string[],
  top: Span,
): void {
  const given = inputs === undefined ? {} : (toJson(inputs.value) as JsonObject);
  const validate = validatorOf(description.inputs);
  // A secret has its value later; any text stands for it here.
  const whole = { ...Object.fromEntries(secrets.map((name) => [name, 'a secret value'])), ...given };
  const at = (path: readonly (string | number)[], key?: string): Span => {
    if (inputs === undefined) return top;
    const { node, key: keySpan } = locate(inputs.value, key === undefined ? path : [...path, key]);
    if (key !== undefined && keySpan !== undefined) return keySpan;
    return node === inputs.value
      ? inputs.keySpan
      : node.kind === 'scalar'
        ? node.span
        : (keySpan ?? node.span);
  };
  const wrong = (span: Span, message: string, hint?: string): void =>
    reportRule(reader.report, 'WRONG_CHECK_INPUT', span, `${reader.what}: ${message}`, hint);
  for (const key of secrets)
    if (Object.hasOwn(given, key)) wrong(at([], key), `${key} is in Inputs and in Secrets`);
  if (!validate(whole))
    for (const error of distinct(validate.errors ?? [])) explain(error, given, at, wrong, reader);
  else
    for (const problem of description.check?.(whole) ?? [])
      wrong(at(problem.path), problem.message, problem.hint);
}

function validatorOf(schema: JsonObject): ValidateFunction {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const validate = ajv.compile(schema);
  compiled.set(schema, validate);
  return validate;
}

/** Of alternatives the whole is told, not each that did not fit. */
function distinct(errors: readonly ErrorObject[]): ErrorObject[] {
  const whole = errors.filter(({ keyword }) => keyword === 'anyOf').map(({ instancePath }) => instancePath);
  return errors.filter(({ keyword, instancePath }) => keyword === 'anyOf' || !whole.includes(instancePath));
}

function explain(
  error: ErrorObject,
  given: JsonObject,
  at: (path: readonly (string | number)[], key?: string) => Span,
  wrong: (span: Span, message: string, hint?: string) => void,
  { report }: MapReader,
): void {
  const path = pathOf(error.instancePath);
  const place = path.join('.');
  const params: Readonly<Record<string, unknown>> = error.params;
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      const known = Object.keys(
        isJsonObject(error.parentSchema?.['properties']) ? error.parentSchema['properties'] : {},
      );
      const whose = place === '' ? 'its check takes no input' : `${place} has no key`;
      wrong(at(path, key), `${whose} ${key}`, report.suggest(key, known));
      return;
    }
    case 'required': {
      const key = String(params['missingProperty']);
      const misspelt =
        path.length === 0 &&
        Object.keys(given).some((is) => report.suggest(is, [key]) === `Did you mean ${key}?`);
      if (!misspelt)
        wrong(at(path), `${place === '' ? 'its check needs the input' : `${place} needs`} ${key}`);
      return;
    }
    default:
      wrong(at(path), `${place === '' ? 'its Inputs' : place} ${wording(error)}`, quoteFor(error));
  }
}

function wording(error: ErrorObject): string {
  const params: Readonly<Record<string, unknown>> = error.params;
  switch (error.keyword) {
    case 'anyOf': {
      const branches: unknown = error.schema;
      const words = (Array.isArray(branches) ? (branches as readonly unknown[]) : []).flatMap(wordOf);
      return words.length === 0 ? 'has no form that fits' : `must be ${words.join(' or ')}`;
    }
    case 'type':
      return `must be ${typeWord(params['type'])}`;
    case 'const':
      return `must be ${JSON.stringify(params['allowedValue'])}`;
    default:
      return valueRule(error) ?? error.message ?? 'is wrong';
  }
}

function typeWord(type: unknown): string {
  return type === 'string'
    ? 'text'
    : type === 'object'
      ? 'a map'
      : type === 'array'
        ? 'a list'
        : `a ${String(type)}`;
}

function quoteFor({ keyword, params, data }: ErrorObject): string | undefined {
  const isBare = typeof data === 'number' || typeof data === 'boolean';
  return keyword === 'type' && params['type'] === 'string' && isBare ? 'Put it in quotes.' : undefined;
}

function wordOf(branch: unknown): string[] {
  if (typeof branch !== 'object' || branch === null) return [];
  if ('const' in branch) return [JSON.stringify(branch.const)];
  return 'type' in branch ? [typeWord(branch.type)] : [];
}

function pathOf(pointer: string): (string | number)[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}
