/** check:awsApi: a property of what any reading operation of AWS answers, of each thing in a listing or of the answer itself. */
import { Type } from 'typebox';
import type { CheckProblem } from '../../compliance/checks.ts';
import type { Judged } from '../../compliance/types.ts';
import { selectValues, validateSelector } from '../../document/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import type { AwsModels } from '../../transports/aws.ts';
import { isReadOnlyOperation } from '../../transports/aws/read-only.ts';
import { asKnown } from '../aws/api-call.ts';
import { equals } from '../aws/resource-property.ts';
import { ActionFailure, type ActionContext } from '../define-action.ts';
import { defineAccountCheck } from './define-check.ts';
import { broken, kept, unknown } from './judging.ts';

const pagesMax = 1_000;
const itemsMax = 50_000;
const shownCharactersMax = 120;

const selector = (description: string) => Type.String({ minLength: 1, description });

export const checkAwsApi = defineAccountCheck({
  name: 'check:awsApi',
  summary:
    'Calls one reading operation of AWS, page by page, and looks whether a property of each thing in it has one of the desired values.',
  source:
    'https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-assertAwsResourceProperty.html',
  example: `
    - name: KeysRotate
      action: check:awsApi
      inputs:
        Service: rds
        Api: DescribeDBInstances
        Items: $.DBInstances
        Id: $.DBInstanceIdentifier
        PropertySelector: $.StorageEncrypted
        DesiredValues: ['True']`,
  inputs: {
    Service: Type.String({ minLength: 1, description: 'The name of the boto3 client: ec2, rds.' }),
    Api: Type.String({ minLength: 1, description: 'An operation that only reads.' }),
    Params: Type.Optional(
      Type.Object({}, { additionalProperties: true, description: 'Members of the operation.' }),
    ),
    Items: Type.Optional(
      selector(
        'The list in the answer, as $.Volumes: each thing in it is judged by itself. Left out: the answer is one thing.',
      ),
    ),
    Id: Type.Optional(selector('What names a thing of the list, as $.VolumeId.')),
    PropertySelector: selector('The property of a thing, or of the answer.'),
    DesiredValues: Type.Array(Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
      minItems: 1,
      description: 'Any of these; booleans as True and False.',
    }),
    AllowNone: Type.Optional(
      Type.Boolean({ default: false, description: 'Whether an empty list is good. Otherwise nobody knows.' }),
    ),
  },
  problems: ({ Service, Api, Params, Items, Id, PropertySelector }, models) => [
    ...callProblems(Service, Api, Params, models),
    ...((Items === undefined) !== (Id === undefined)
      ? [{ path: [], message: 'Items and Id belong together' }]
      : []),
    ...Object.entries({ Items, Id, PropertySelector }).flatMap(([name, text]) => {
      if (typeof text !== 'string' || text.includes('{{')) return [];
      const wrong = validateSelector(text);
      return wrong === undefined ? [] : [{ path: [name], message: `${text}: ${wrong}` }];
    }),
    ...(typeof Service === 'string' &&
    typeof Api === 'string' &&
    !`${Service}${Api}`.includes('{{') &&
    !isReadOnlyOperation(Service, Api)
      ? [{ path: ['Api'], message: `${Service} ${Api} does not only read, and a check changes nothing` }]
      : []),
  ],
  permissions: ({ Service, Api }) => [`${Service}:${Api}`],
  look: async (inputs, context) => {
    const { Service, Api, Params = {}, Items, Id, PropertySelector, DesiredValues, AllowNone } = inputs;
    if (!isReadOnlyOperation(Service, Api))
      throw new ActionFailure({ code: 'NOT_A_READ', message: `${Service} ${Api} does not only read` });
    const judged: Judged[] = [];
    const params = Params as JsonObject;
    const judge = (subject: string, thing: Json): Judged =>
      property(subject, thing, PropertySelector, DesiredValues);
    if (Items === undefined || Id === undefined) {
      const reply = await context.aws.call({
        service: Service,
        operation: Api,
        params,
        signal: context.signal,
      });
      return { judged: [judge(`${Service} ${Api} ${PropertySelector}`, reply)], isWhole: false };
    }
    for await (const reply of allPages(Service, Api, params, context)) {
      const list = selected(Items, reply);
      if (list === undefined) continue;
      if (!Array.isArray(list)) {
        judged.push(unknown('', 'BAD_REPLY', `${Items} of the answer is not a list`));
        continue;
      }
      for (const item of list as readonly Json[]) {
        const id = selected(Id, item);
        if (typeof id === 'string' && id !== '') judged.push(judge(id, item));
        else judged.push(unknown('', 'BAD_REPLY', `one of ${Items} has no ${Id}`));
      }
      if (judged.length > itemsMax)
        return {
          judged: [...judged, unknown('', 'TOO_MANY', `it lists more than ${itemsMax} things`)],
          isWhole: false,
        };
    }
    if (judged.length === 0)
      judged.push(
        AllowNone === true
          ? kept(`${Service} ${Api}`, 'an empty list')
          : unknown(
              '',
              'NOTHING_JUDGED',
              `${Service} ${Api} lists nothing; where that is good, say AllowNone`,
            ),
      );
    return { judged, isWhole: false };
  },
});

/** What the service's model says of the call; members are left alone where an expression stands among them. */
function callProblems(
  service: Json | undefined,
  operation: Json | undefined,
  params: Json | undefined,
  models: AwsModels | undefined,
): readonly CheckProblem[] {
  if (models === undefined || typeof service !== 'string' || typeof operation !== 'string') return [];
  if (`${service}${operation}`.includes('{{')) return [];
  const known = asKnown(params ?? {}, (value) => typeof value === 'string' && value.includes('{{'));
  return models.check(service, operation, known).flatMap(({ code, path, message, fitting }) => {
    if (code === 'UNKNOWN_VALUE' || fitting !== undefined) return [];
    if (code === 'UNKNOWN_SERVICE') return [{ path: ['Service'], message }];
    if (code === 'UNKNOWN_OPERATION' || code === 'REFUSED_OPERATION') return [{ path: ['Api'], message }];
    if (code === 'MISSING_MEMBER') return [{ path: params === undefined ? [] : ['Params'], message }];
    return [{ path: ['Params', ...path], message }];
  });
}

/** AWS spells the place of the next page in several ways; one that says that there is more and not where is not known. */
async function* allPages(
  service: string,
  operation: string,
  params: JsonObject,
  { aws, signal }: ActionContext,
): AsyncGenerator<JsonObject> {
  let more: JsonObject = {};
  let before = '';
  for (let page = 0; page < pagesMax; page += 1) {
    const reply = await aws.call({ service, operation, params: { ...params, ...more }, signal });
    yield reply;
    const next = nextOf(reply);
    if (next === undefined) return;
    const place = JSON.stringify(next);
    if (Object.keys(next).length === 0 || place === before) break;
    before = place;
    more = next;
  }
  throw new ActionFailure({
    code: 'HALF_ANSWER',
    message: `${service} ${operation} says that there is more, and gives no further page`,
  });
}

/** The members that ask for the next page; empty: there is more, and nobody knows where; undefined: this was the last. */
function nextOf(reply: JsonObject): JsonObject | undefined {
  const ways = [
    ['NextToken', 'NextToken'],
    ['nextToken', 'nextToken'],
    ['NextMarker', 'Marker'],
    ['Marker', 'Marker'],
    ['NextContinuationToken', 'ContinuationToken'],
    ['PaginationToken', 'PaginationToken'],
  ] as const;
  const isTruncated = reply['IsTruncated'];
  if (isTruncated === false) return undefined;
  for (const [from, to] of ways) {
    const token = reply[from];
    if (typeof token === 'string' && token !== '') return { [to]: token };
  }
  return isTruncated === true ? {} : undefined;
}

function selected(path: string, from: Json): Json | undefined {
  if (!isJsonObject(from)) return undefined;
  const found = selectValues(path, from);
  return found.kind === 'mismatch' ? undefined : found.values[0];
}

/** A property that is not there has no desired value, unless that is what is desired: then the word is absent. */
function property(
  subject: string,
  thing: Json,
  path: string,
  desired: readonly (string | number | boolean)[],
): Judged {
  const wanted = desired.map(String).join(' or ');
  if (!isJsonObject(thing)) return unknown(subject, 'BAD_REPLY', 'it is not an object');
  const found = selectValues(path, thing);
  if (found.kind === 'mismatch') return unknown(subject, 'BAD_SELECTOR', found.message);
  const [first] = found.values;
  const values = found.isDefinite && Array.isArray(first) ? (first as readonly Json[]) : found.values;
  if (values.length === 0)
    return desired.includes('absent')
      ? kept(subject, 'absent')
      : broken(subject, wanted, `${path} is absent`);
  const holds = values.every((value) => desired.some((each) => equals(value, each)));
  const text = JSON.stringify(values.length === 1 ? values[0] : values);
  const shown = text.length > shownCharactersMax ? `${text.slice(0, shownCharactersMax)}…` : text;
  return holds ? kept(subject, shown) : broken(subject, wanted, shown);
}
