/** Inputs as the action gets them, checked against its schema. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { ActionFailure, type AnyAction } from '../../actions/define-action.ts';
import { fitInputs, isAwsAction, knownInputs, pathsOfNul, valueRule } from '../../document/index.ts';
import type { JsonObject } from '../../json.ts';

const validators = new Map<string, ValidateFunction>();

/** Throws ActionFailure INVALID_INPUT, which names the input and what it must be, never its value. */
export function checkedInputs(action: AnyAction, inputs: JsonObject): JsonObject {
  const validate = validatorOf(action);
  const fitted = isAwsAction(action.name) ? fittedInputs(action, inputs) : inputs;
  if (action.hasHostTargets) refuseNul(action, fitted);
  if (validate(fitted)) return fitted;
  const problems = (validate.errors ?? []).slice(0, 5).map(sentence).join('; ');
  throw new ActionFailure({
    code: 'INVALID_INPUT',
    message: `the inputs of ${action.name} do not fit: ${problems}`,
  });
}

/** What a step or a host gave may hold one, as names that `find -print0` prints. */
function refuseNul(action: AnyAction, inputs: JsonObject): void {
  const [path] = pathsOfNul(inputs, action.bytesInputs ?? []);
  if (path === undefined) return;
  throw new ActionFailure({
    code: 'INVALID_INPUT',
    message: `${path.join('.')} of ${action.name} holds a NUL character, which no argument or variable of a command carries; nothing was done`,
  });
}

/** These inputs as the action would get them, others still missing; undefined where it would refuse them. */
export function fittingInputs(action: AnyAction, known: JsonObject): JsonObject | undefined {
  const validate = validatorOf(action);
  const fitted = isAwsAction(action.name) ? fittedInputs(action, known) : known;
  if (validate(fitted)) return fitted;
  const isMissing = ({ keyword, instancePath }: ErrorObject): boolean =>
    keyword === 'required' && instancePath === '';
  return (validate.errors ?? []).every(isMissing) ? fitted : undefined;
}

/** What SSM takes for the types that the action wants: expressions have become values by now. */
function fittedInputs(action: AnyAction, inputs: JsonObject): JsonObject {
  const schema: JsonObject = { ...action.inputs };
  return fitInputs(knownInputs(inputs, schema), schema);
}

function validatorOf(action: AnyAction): ValidateFunction {
  const known = validators.get(action.name);
  if (known !== undefined) return known;
  const validate = new Ajv2020({
    strict: false,
    allErrors: true,
    meta: false,
    validateSchema: false,
    // Making it shorter costs more than it saves: it looks at few values.
    code: { optimize: false },
  }).compile(action.inputs);
  validators.set(action.name, validate);
  return validate;
}

function sentence(error: ErrorObject): string {
  const place = error.instancePath.slice(1).replaceAll('/', '.');
  const extra =
    typeof error.params['additionalProperty'] === 'string' ? ` (${error.params['additionalProperty']})` : '';
  const allowed = Array.isArray(error.params['allowedValues'])
    ? `: ${error.params['allowedValues'].join(', ')}`
    : '';
  return `${place === '' ? '' : `${place} `}${valueRule(error) ?? error.message ?? error.keyword}${extra}${allowed}`;
}
