/**
 * Config as far as moto has none: evaluations that are started, run for a while, and judge what is there; their status; and
 * their findings, page by page. Rules and recorders themselves are moto's.
 */
import type { JsonObject, Json } from '../../../../src/json.ts';
import { isJsonObject } from '../../../../src/json.ts';
import { listParam, textParam, type ApiCall, type Caller } from '../api-call.ts';
import type { Cell, Handler } from '../cell.ts';
import { ApiError, jsonReply } from '../reply.ts';
import type { RuleState } from '../state.ts';
import { judges } from './judges.ts';

const target = (operation: string): string[] => [
  'X-Amz-Target',
  `StarlingDoveService.${operation}`,
  'Content-Type',
  'application/x-amz-json-1.1',
];

async function askConfig(
  caller: Caller,
  operation: string,
  params: JsonObject,
  cell: Cell,
): Promise<JsonObject> {
  const question = {
    method: 'POST' as const,
    path: '/',
    headers: target(operation),
    body: JSON.stringify(params),
  };
  const { status, body } = await cell.moto.ask(caller, 'config', question);
  const answer = JSON.parse(body.toString('utf8')) as Json;
  if (status === 200 && isJsonObject(answer)) return answer;
  const error = isJsonObject(answer) ? answer : {};
  throw new ApiError(
    textParam(error, '__type') ?? 'InternalServerError',
    textParam(error, 'message') ?? '',
    status,
  );
}

/** Moto's rules by those names, all without a name. Throws NoSuchConfigRuleException. */
async function rulesNamed(call: ApiCall, names: readonly string[], cell: Cell): Promise<JsonObject[]> {
  const params = names.length > 0 ? { ConfigRuleNames: [...names] } : {};
  const { ConfigRules } = await askConfig(call.caller, 'DescribeConfigRules', params, cell);
  return Array.isArray(ConfigRules) ? ConfigRules.filter(isJsonObject) : [];
}

function stateOf(rule: JsonObject, { caller }: ApiCall, cell: Cell): RuleState {
  // A rule that was deleted and put again has another id, and knows nothing of the old one's findings.
  const key = `${caller.region}/${textParam(rule, 'ConfigRuleId') ?? ''}`;
  return (cell.state.rules[key] ??= {
    region: caller.region,
    name: textParam(rule, 'ConfigRuleName') ?? '',
    startedAt: 0,
    succeededAt: 0,
    failedAt: 0,
    error: '',
    results: [],
  });
}

/** One evaluation at a time for a rule; another is refused, as AWS does. */
const startConfigRulesEvaluation: Handler = async (call, cell) => {
  const rules = await rulesNamed(call, listParam(call.params, 'ConfigRuleNames'), cell);
  const states = rules.map((rule) => ({ rule, state: stateOf(rule, call, cell) }));
  const runs = states.find(({ state }) => state.startedAt > Math.max(state.succeededAt, state.failedAt));
  if (runs !== undefined)
    throw new ApiError(
      'LimitExceededException',
      `An evaluation of the rule ${runs.state.name} is already in progress.`,
    );
  for (const { state } of states) state.startedAt = Date.now();
  cell.save();
  cell.background('evaluation of Config rules', async () => {
    await cell.pause(cell.settings.evaluationMs);
    for (const { rule, state } of states) await evaluate(rule, state, call, cell);
    cell.journal.addEffect('rulesEvaluated', { rules: states.map(({ state }) => state.name) });
    cell.save();
  });
  return jsonReply({});
};

async function evaluate(rule: JsonObject, state: RuleState, { caller }: ApiCall, cell: Cell): Promise<void> {
  const source = isJsonObject(rule['Source']) ? rule['Source'] : {};
  const identifier = textParam(source, 'SourceIdentifier') ?? '';
  const judge = judges[identifier];
  if (judge === undefined) {
    state.failedAt = Date.now();
    state.error = `the lab does not judge ${identifier}`;
    return;
  }
  const judged = await judge(caller, cell);
  const at = Date.now();
  state.results = judged
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ type, id, isCompliant, annotation }) => ({
      EvaluationResultIdentifier: {
        EvaluationResultQualifier: { ConfigRuleName: state.name, ResourceType: type, ResourceId: id },
        OrderingTimestamp: at / 1000,
      },
      ComplianceType: isCompliant ? 'COMPLIANT' : 'NON_COMPLIANT',
      ResultRecordedTime: at / 1000,
      ConfigRuleInvokedTime: state.startedAt / 1000,
      ...(annotation === '' ? {} : { Annotation: annotation }),
    }));
  state.succeededAt = at;
}

const describeConfigRuleEvaluationStatus: Handler = async (call, cell) => {
  const rules = await rulesNamed(call, listParam(call.params, 'ConfigRuleNames'), cell);
  const times = (of: Readonly<Record<string, number>>): JsonObject =>
    Object.fromEntries(Object.entries(of).flatMap(([name, at]) => (at === 0 ? [] : [[name, at / 1000]])));
  return jsonReply({
    ConfigRulesEvaluationStatus: rules.map((rule) => {
      const { name, startedAt, succeededAt, failedAt, error } = stateOf(rule, call, cell);
      return {
        ConfigRuleName: name,
        ConfigRuleId: textParam(rule, 'ConfigRuleId') ?? '',
        FirstEvaluationStarted: startedAt > 0,
        ...times({
          LastSuccessfulInvocationTime: startedAt,
          LastSuccessfulEvaluationTime: succeededAt,
          LastFailedEvaluationTime: failedAt,
        }),
        ...(error === '' ? {} : { LastErrorCode: 'InternalError', LastErrorMessage: error }),
      };
    }),
  });
};

/** Limit is 10 unless it is given, and 100 at most (API reference). */
const getComplianceDetailsByConfigRule: Handler = async (call, cell) => {
  const [rule = {}] = await rulesNamed(call, [textParam(call.params, 'ConfigRuleName') ?? ''], cell);
  const limit = Number(textParam(call.params, 'Limit') ?? 0) || 10;
  if (limit > 100)
    throw new ApiError('InvalidLimitException', 'The specified limit is outside the allowable range.');
  const types = listParam(call.params, 'ComplianceTypes');
  if (types.includes('INSUFFICIENT_DATA'))
    throw new ApiError(
      'InvalidParameterValueException',
      'INSUFFICIENT_DATA is not a valid compliance type here.',
    );
  const all = stateOf(rule, call, cell).results.filter(
    (result) => types.length === 0 || types.includes(textParam(result, 'ComplianceType') ?? ''),
  );
  const start = Number(textParam(call.params, 'NextToken')?.replace('lab-page-', '') ?? 0);
  const end = start + limit;
  return jsonReply({
    EvaluationResults: all.slice(start, end),
    ...(end < all.length ? { NextToken: `lab-page-${end}` } : {}),
  });
};

const describeComplianceByConfigRule: Handler = async (call, cell) => {
  const rules = await rulesNamed(call, listParam(call.params, 'ConfigRuleNames'), cell);
  return jsonReply({
    ComplianceByConfigRules: rules.map((rule) => {
      const { name, results } = stateOf(rule, call, cell);
      const bad = results.filter(({ ComplianceType }) => ComplianceType === 'NON_COMPLIANT').length;
      const ComplianceType =
        results.length === 0 ? 'INSUFFICIENT_DATA' : bad > 0 ? 'NON_COMPLIANT' : 'COMPLIANT';
      return { ConfigRuleName: name, Compliance: { ComplianceType } };
    }),
  });
};

export const configOperations: Readonly<Record<string, Handler>> = {
  DescribeComplianceByConfigRule: describeComplianceByConfigRule,
  DescribeConfigRuleEvaluationStatus: describeConfigRuleEvaluationStatus,
  GetComplianceDetailsByConfigRule: getComplianceDetailsByConfigRule,
  StartConfigRulesEvaluation: startConfigRulesEvaluation,
};
