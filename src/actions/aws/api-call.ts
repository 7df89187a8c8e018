/** The part that all actions on `Service` and `Api` have in common: the call in their inputs, made and checked. */
import { Type } from 'typebox';
import type { CatalogProblem } from '../../document/catalog.ts';
import { isJsonObject, own, type Json, type JsonObject } from '../../json.ts';
import type { AwsModels, AwsProblem, UnresolvedJson } from '../../transports/aws.ts';
import { isReadOnlyOperation } from '../../transports/aws/read-only.ts';
import { ActionFailure, type ActionContext } from '../define-action.ts';

export const serviceAndApi = {
  Service: Type.String({
    minLength: 1,
    description:
      'The name of the boto3 client (ec2, ssm, application-autoscaling), or what else AWS calls the service. docs/aws-services.md says what is supported and what is refused.',
  }),
  Api: Type.String({
    minLength: 1,
    description: 'The operation: DescribeInstances, describe_instances and describe-instances are the same.',
  }),
};

export interface ApiCall {
  readonly service: string;
  readonly operation: string;
  readonly params: JsonObject;
}

/** The call, without the inputs that are the action's own. */
export function apiCall(inputs: JsonObject, own: readonly string[]): ApiCall {
  const { Service, Api, ...rest } = inputs;
  const params = Object.fromEntries(Object.entries(rest).filter(([name]) => !own.includes(name)));
  return { service: textOf(Service), operation: textOf(Api), params };
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** `ec2 DescribeInstances` */
export function callName({ service, operation }: ApiCall): string {
  return `${service} ${operation}`;
}

/** The transport ends every call after 25 s, as SSM does. */
export async function makeCall(
  call: ApiCall,
  { aws, signal, models }: Pick<ActionContext, 'aws' | 'signal' | 'models'>,
  token?: string,
): Promise<JsonObject> {
  refuseNull(call);
  const params =
    models === undefined ? call.params : withoutLoneLists(withFittingTypes(call, models), models);
  const made = { ...call, params, signal, ...(token === undefined ? {} : { token }) };
  if (!readsParameters(call)) return aws.call(made);
  return withoutSecureStrings(await aws.call(made, { reveal: true }));
}

/** Numbers in quotes become numbers where the service wants those, and the other way round. */
function withFittingTypes(call: ApiCall, models: AwsModels): ApiCall {
  const { service, operation, params } = call;
  let fitted: Json = params;
  for (const { path, fitting } of models.check(service, operation, params))
    if (fitting !== undefined) fitted = withAt(fitted, path, fitting);
  return { ...call, params: fitted as JsonObject };
}

function withAt(value: Json, [key, ...rest]: readonly (string | number)[], put: Json): Json {
  if (key === undefined) return put;
  if (Array.isArray(value))
    return (value as readonly Json[]).map((item, at) => (at === key ? withAt(item, rest, put) : item));
  if (!isJsonObject(value)) return value;
  return { ...value, [key]: withAt(own(value, String(key)) ?? null, rest, put) };
}

/** A list of one where the service wants its element: published runbooks hand outputs of lists on so. */
function withoutLoneLists({ service, operation, params }: ApiCall, models: AwsModels): JsonObject {
  const wrong = models.check(service, operation, params).filter(({ code }) => code === 'WRONG_TYPE');
  const lone = wrong.flatMap(({ path }) => {
    const [name] = path;
    const only = path.length === 1 && typeof name === 'string' ? loneOf(params[name]) : undefined;
    return typeof name !== 'string' || only === undefined ? [] : [[name, only] as const];
  });
  return { ...params, ...Object.fromEntries(lone) };
}

/** The element of a list that holds one text, number or boolean. */
function loneOf(value: UnresolvedJson): string | number | boolean | undefined {
  const only: UnresolvedJson =
    Array.isArray(value) && value.length === 1 ? (value as readonly UnresolvedJson[])[0] : undefined;
  return typeof only === 'string' || typeof only === 'number' || typeof only === 'boolean' ? only : undefined;
}

/** A null that is written in the document was left out; one that is here was brought by a value, and would widen the call. */
function refuseNull(call: ApiCall): void {
  const empty = Object.keys(call.params).find((name) => call.params[name] === null);
  if (empty === undefined) return;
  throw new ActionFailure({
    code: 'ABSENT_VALUE',
    message: `${empty} of ${callName(call)} has no value, and without it the call would mean something else; nothing was called`,
  });
}

/**
 * SSM's model marks the value of every parameter as sensitive, plain ones too, and runbooks read image ids from those.
 * Only what Parameter Store itself calls a SecureString is a secret.
 */
function readsParameters({ service, operation }: ApiCall): boolean {
  return service.toLowerCase() === 'ssm' && /^get[-_]?parameter/i.test(operation);
}

function withoutSecureStrings(reply: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(reply).map(([key, value]) => [key, withoutSecureString(value)]));
}

function withoutSecureString(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => withoutSecureString(item));
  if (!isJsonObject(value)) return value;
  const shown = withoutSecureStrings(value);
  return shown['Type'] === 'SecureString' && 'Value' in shown ? { ...shown, Value: '***' } : shown;
}

/** Whether the step only reads; an expression in either name counts as a change, because it may become one. */
export function isRead(inputs: { readonly Service?: unknown; readonly Api?: unknown }): boolean {
  const { Service, Api } = inputs;
  if (typeof Service !== 'string' || typeof Api !== 'string') return false;
  return !Service.includes('{{') && !Api.includes('{{') && isReadOnlyOperation(Service, Api);
}

export function apiPermission({ Service, Api }: { readonly Service: string; readonly Api: string }): string {
  return `${Service}:${Api}`;
}

/** What the service's model says about the call as written. */
export function checkApiCall(
  inputs: JsonObject,
  own: readonly string[],
  tools: { isExpression(value: unknown): boolean; models: AwsModels },
): readonly CatalogProblem[] {
  const { Service, Api } = inputs;
  if (typeof Service !== 'string' || typeof Api !== 'string') return [];
  if (tools.isExpression(Service) || tools.isExpression(Api)) return [];
  const { params } = apiCall(inputs, own);
  const known = asKnown(params, (value) => tools.isExpression(value));
  return tools.models.check(Service, Api, known).map(({ code, path, message, fitting }) => ({
    code,
    path: pathOf(code, path),
    message,
    ...(code === 'UNKNOWN_MEMBER' ? { isAboutKey: true } : {}),
    ...(code === 'WRONG_TYPE' && isLoneList(params, path)
      ? { isWarning: true, hint: 'Its one element is sent.' }
      : {}),
    ...(fitting === undefined ? {} : { isWarning: true, hint: `${JSON.stringify(fitting)} is sent.` }),
    ...(code === 'UNKNOWN_VALUE' ? { isWarning: true } : {}),
  }));
}

/** An expression in it counts as its element. */
function isLoneList(params: JsonObject, path: AwsProblem['path']): boolean {
  const [name] = path;
  return path.length === 1 && typeof name === 'string' && loneOf(params[name]) !== undefined;
}

function pathOf(code: AwsProblem['code'], path: AwsProblem['path']): AwsProblem['path'] {
  if (code === 'UNKNOWN_SERVICE') return ['Service'];
  return code === 'UNKNOWN_OPERATION' || code === 'REFUSED_OPERATION' ? ['Api'] : path;
}

/** Values that hold an expression are not known yet. */
export function asKnown(value: Json, isExpression: (value: unknown) => boolean): UnresolvedJson {
  if (typeof value === 'string') return isExpression(value) ? undefined : value;
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => asKnown(item, isExpression));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asKnown(item, isExpression)]));
}

/** What the call acts on, for people: the values of members that are named as ids. */
export function apiTargets(params: JsonObject): readonly string[] {
  return Object.entries(params)
    .filter(([name]) => /(?:Id|Ids|Arn|Arns)$/.test(name) && !/Token/.test(name))
    .flatMap(([, value]) => (Array.isArray(value) ? (value as readonly Json[]) : [value]))
    .filter((value) => typeof value === 'string');
}
