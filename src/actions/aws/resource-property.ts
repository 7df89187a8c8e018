/** The comparison behind aws:waitForAwsResourceProperty and aws:assertAwsResourceProperty. */
import { Type, type Static } from 'typebox';
import type { CatalogProblem } from '../../document/catalog.ts';
import { selectValues, validateSelector } from '../../document/index.ts';
import type { Json, JsonObject } from '../../json.ts';
import type { AwsModels } from '../../transports/aws.ts';
import { isReadOnlyOperation } from '../../transports/aws/read-only.ts';
import { apiCall, callName, checkApiCall, makeCall, serviceAndApi } from './api-call.ts';
import { ActionFailure, type ActionContext } from '../define-action.ts';

const ownInputs = ['PropertySelector', 'DesiredValues'] as const;

export const propertyInputs = Type.Object(
  {
    ...serviceAndApi,
    PropertySelector: Type.String({ description: 'A JSONPath over the response: $.Volumes[0].State' }),
    DesiredValues: Type.Array(Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
      minItems: 1,
      description: 'Any of these; booleans as True and False.',
    }),
  },
  { additionalProperties: true, description: 'Next to these the members of the operation.' },
);

export type PropertyInputs = Static<typeof propertyInputs>;

export interface Comparison {
  readonly isDesired: boolean;
  /** `ec2 DescribeVolumes $.Volumes[0].State is "in-use", wanted is "available"` */
  readonly sentence: string;
}

/** Makes the call once and compares what the selector finds. */
export async function compareProperty(inputs: PropertyInputs, context: ActionContext): Promise<Comparison> {
  const call = apiCall(inputs, ownInputs);
  if (!isReadOnlyOperation(call.service, call.operation))
    throw new ActionFailure({ code: 'NOT_A_READ', message: refusal(callName(call)) });
  const response = await makeCall(call, context);
  const selector = fromRoot(inputs.PropertySelector);
  const found = selectValues(selector, response);
  if (found.kind === 'mismatch') throw new ActionFailure({ code: 'BAD_SELECTOR', message: found.message });
  const [first] = found.values;
  const values = found.isDefinite && Array.isArray(first) ? (first as readonly Json[]) : found.values;
  const isDesired =
    values.length > 0 &&
    values.every((value) => inputs.DesiredValues.some((desired) => equals(value, desired)));
  const is = found.isDefinite ? shown(first) : shown(values);
  const wanted = inputs.DesiredValues.map((desired) => JSON.stringify(desired)).join(' or ');
  return { isDesired, sentence: `${callName(call)} ${selector} is ${is}, wanted is ${wanted}` };
}

/**
 * As SSM compares, by text: numbers by their decimal text, booleans as True and False in any spelling of case. SSM does
 * not document lists; here every element has to have a desired value, and an empty list has none.
 */
export function equals(value: Json, desired: string | number | boolean): boolean {
  if (typeof value === 'boolean') return String(desired).trim().toLowerCase() === String(value);
  if (typeof value === 'number' || typeof value === 'string') return String(value) === String(desired);
  return false;
}

/** SSM's JSONPath library takes a path without its root, and published runbooks write `Attributes.KmsMasterKeyId`. */
function fromRoot(selector: string): string {
  return selector.startsWith('$') ? selector : `$.${selector}`;
}

const shownCharactersMax = 200;

function shown(value: Json | undefined): string {
  if (value === undefined) return 'absent';
  const text = JSON.stringify(value);
  return text.length > shownCharactersMax ? `${text.slice(0, shownCharactersMax)}…` : text;
}

export function checkProperty(
  inputs: JsonObject,
  tools: { isExpression(value: unknown): boolean; models: AwsModels },
): readonly CatalogProblem[] {
  const problems = [...checkApiCall(inputs, ownInputs, tools)];
  const { Service, Api, PropertySelector } = inputs;
  if (typeof PropertySelector === 'string' && !tools.isExpression(PropertySelector)) {
    const wrong = validateSelector(fromRoot(PropertySelector));
    if (wrong !== undefined)
      problems.push({
        code: 'BAD_SELECTOR',
        path: ['PropertySelector'],
        message: `${PropertySelector}: ${wrong}`,
      });
  }
  if (
    typeof Service === 'string' &&
    typeof Api === 'string' &&
    !tools.isExpression(Service) &&
    !tools.isExpression(Api)
  ) {
    const isKnown = tools.models.resolve(Service, Api) !== undefined;
    if (isKnown && !isReadOnlyOperation(Service, Api))
      problems.push({ code: 'WRONG_INPUT', path: ['Api'], message: refusal(`${Service} ${Api}`) });
  }
  return problems;
}

/** Asking is repeated; an operation that changes something would do so each time. */
function refusal(name: string): string {
  return `${name} does not only read, so it cannot be asked for a property; call it with aws:executeAwsApi and then ask`;
}
