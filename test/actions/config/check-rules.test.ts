/** src/actions/config/check-rules.ts: what is known, and everything that must not be taken for compliant. */
import { expect, test } from 'vitest';
import { checkRules } from '../../../src/actions/config/check-rules.ts';
import type { JsonObject } from '../../../src/json.ts';
import { run } from '../../support/action-bed.ts';
import { fakeStage, refused, type Answers } from './fake-stage.ts';

const finding = (id: string, type: string, annotation = ''): JsonObject => ({
  EvaluationResultIdentifier: {
    EvaluationResultQualifier: { ConfigRuleName: 'r', ResourceType: 'AWS::EC2::Volume', ResourceId: id },
  },
  ComplianceType: type,
  Annotation: annotation,
  ResultRecordedTime: '2026-01-01T00:00:01.000Z',
});

/** A rule `r` that is evaluated at the first look after its start and finds what is given. */
function account(
  found: readonly JsonObject[],
  more: Answers = {},
): { answers: Answers; starts: () => number } {
  let starts = 0;
  const answers: Answers = {
    'config:DescribeConfigurationRecorders': () => ({
      ConfigurationRecorders: [{ name: 'default', recordingGroup: { allSupported: true } }],
    }),
    'config:DescribeConfigurationRecorderStatus': () => ({
      ConfigurationRecordersStatus: [{ name: 'default', recording: true, lastStatus: 'SUCCESS' }],
    }),
    'config:DescribeConfigRules': () => ({
      ConfigRules: [
        {
          ConfigRuleName: 'r',
          ConfigRuleState: 'ACTIVE',
          Source: { Owner: 'AWS', SourceIdentifier: 'ENCRYPTED_VOLUMES' },
        },
      ],
    }),
    'config:StartConfigRulesEvaluation': () => {
      starts += 1;
      return {};
    },
    'config:DescribeConfigRuleEvaluationStatus': () => ({
      ConfigRulesEvaluationStatus: [
        { LastSuccessfulEvaluationTime: `2026-01-01T00:00:0${starts}.000Z`, ConfigRuleName: 'r' },
      ],
    }),
    'config:GetComplianceDetailsByConfigRule': () => ({ EvaluationResults: [...found] }),
    ...more,
  };
  return { answers, starts: () => starts };
}

const check = async (answers: Answers, inputs: JsonObject = {}): Promise<JsonObject> => ({
  ...(await run(checkRules, { Rules: ['r'], ...inputs }, fakeStage(answers))).ending,
});
const reported = async (answers: Answers, inputs: JsonObject = {}): Promise<JsonObject | undefined> => {
  const { outputs } = await check(answers, { OnNonCompliant: 'report', ...inputs });
  return ((outputs as JsonObject)['Rules'] as JsonObject[])[0];
};

test('fails with NON_COMPLIANT and still says what it found', async () => {
  const { answers } = account([
    finding('vol-2', 'NON_COMPLIANT', 'why'),
    finding('vol-1', 'NON_COMPLIANT'),
    finding('vol-3', 'COMPLIANT'),
  ]);
  expect(await check(answers)).toMatchObject({
    kind: 'failed',
    code: 'NON_COMPLIANT',
    message: '1 of 1 rule non-compliant. r: 2 of 3 resources non-compliant: vol-1, vol-2',
    outputs: {
      Verdict: 'NON_COMPLIANT',
      RulesNotCompliant: 1,
      NonCompliantResources: 2,
      Rules: [
        {
          Findings: [{ ResourceId: 'vol-1' }, { ResourceId: 'vol-2', Annotation: 'why' }],
          ResourceIds: ['AWS::EC2::Volume vol-1', 'AWS::EC2::Volume vol-2'],
          IsComplete: true,
        },
      ],
    },
  });
});

test('the hash is of the set, whatever its order and annotations, and of nothing else', async () => {
  const hash = async (...found: JsonObject[]) => (await reported(account(found).answers))?.['SetHash'];
  const one = await hash(finding('a', 'NON_COMPLIANT'), finding('b', 'NON_COMPLIANT', 'x'));
  expect(
    await hash(finding('b', 'NON_COMPLIANT'), finding('a', 'NON_COMPLIANT'), finding('c', 'COMPLIANT')),
  ).toBe(one);
  expect(await hash(finding('a', 'NON_COMPLIANT'))).not.toBe(one);
});

test('every page is read, and what does not fit the outputs is still counted', async () => {
  const all = Array.from({ length: 3_000 }, (_, index) =>
    finding(`vol-${String(index).padStart(17, '0')}`, 'NON_COMPLIANT'),
  );
  const limits: unknown[] = [];
  const { answers } = account([], {
    'config:GetComplianceDetailsByConfigRule': ({ Limit, NextToken }) => {
      limits.push(Limit);
      const start = Number(NextToken ?? 0);
      const end = start + 100;
      return {
        EvaluationResults: all.slice(start, end),
        ...(end < all.length ? { NextToken: String(end) } : {}),
      };
    },
  });
  const rule = await reported(answers);
  expect(rule).toMatchObject({ NonCompliant: 3_000, IsComplete: false });
  expect(limits).toEqual(Array.from({ length: 30 }, () => 100));
  expect(JSON.stringify(rule).length).toBeLessThan(60_000);
});

const recorder = (group: JsonObject, status: JsonObject = {}): Answers => ({
  'config:DescribeConfigurationRecorders': () => ({
    ConfigurationRecorders: [{ name: 'default', recordingGroup: group }],
  }),
  'config:DescribeConfigurationRecorderStatus': () => ({
    ConfigurationRecordersStatus: [{ name: 'default', recording: true, ...status }],
  }),
});

test.each<[string, string, Answers]>([
  ['NO_RECORDER', 'there is no recorder', { 'config:DescribeConfigurationRecorders': () => ({}) }],
  ['RECORDER_OFF', 'the recorder is off', recorder({ allSupported: true }, { recording: false })],
  [
    'RECORDER_FAILING',
    'the recorder fails',
    recorder({ allSupported: true }, { lastStatus: 'FAILURE', lastErrorCode: 'AccessDenied' }),
  ],
  [
    'TYPE_NOT_RECORDED',
    'the kind is not among those recorded',
    recorder({ resourceTypes: ['AWS::S3::Bucket'] }),
  ],
  [
    'TYPE_NOT_RECORDED',
    'the kind is excluded',
    recorder({ allSupported: false, exclusionByResourceTypes: { resourceTypes: ['AWS::EC2::Volume'] } }),
  ],
  [
    'RULE_MISSING',
    'the rule does not exist',
    {
      'config:DescribeConfigRules': () => {
        throw refused('NoSuchConfigRuleException');
      },
    },
  ],
  [
    'RULE_NOT_ACTIVE',
    'the rule is being deleted',
    { 'config:DescribeConfigRules': () => ({ ConfigRules: [{ ConfigRuleState: 'DELETING' }] }) },
  ],
  [
    'EVALUATION_BUSY',
    'another evaluation runs all the time',
    {
      'config:StartConfigRulesEvaluation': () => {
        throw refused('LimitExceededException');
      },
    },
  ],
  [
    'EVALUATION_TIMED_OUT',
    'the evaluation does not end',
    {
      'config:DescribeConfigRuleEvaluationStatus': () => ({
        ConfigRulesEvaluationStatus: [{ LastSuccessfulEvaluationTime: '2026-01-01T00:00:00.000Z' }],
      }),
    },
  ],
  [
    'RULE_MISSING',
    'the rule is deleted before its findings are read',
    {
      'config:GetComplianceDetailsByConfigRule': () => {
        throw refused('NoSuchConfigRuleException');
      },
    },
  ],
])('%s, not compliant: %s', async (cause, _what, more) => {
  const { answers } = account([finding('vol-1', 'COMPLIANT')], more);
  expect(await reported(answers, { MaxWaitSeconds: 60 })).toMatchObject({
    Status: 'UNDETERMINED',
    Cause: cause,
    NonCompliant: 0,
  });
  expect(await check(answers, { MaxWaitSeconds: 60 })).toMatchObject({
    kind: 'failed',
    code: 'UNDETERMINED',
  });
});

test.each<[string, string, JsonObject[]]>([
  ['NOTHING_JUDGED', 'no findings', []],
  ['NOTHING_JUDGED', 'only what it does not apply to', [finding('vol-1', 'NOT_APPLICABLE')]],
  [
    'INSUFFICIENT_DATA',
    'one resource without an answer',
    [finding('vol-1', 'COMPLIANT'), finding('vol-2', 'INSUFFICIENT_DATA')],
  ],
])('%s, not compliant: %s', async (cause, _what, found) => {
  expect(await reported(account(found).answers)).toMatchObject({ Status: 'UNDETERMINED', Cause: cause });
});

test('an evaluation that fails is undetermined with the reason of Config', async () => {
  const { answers, starts } = account([], {
    'config:DescribeConfigRuleEvaluationStatus': () => ({
      ConfigRulesEvaluationStatus: [
        {
          LastSuccessfulEvaluationTime: '2026-01-01T00:00:00.000Z',
          LastErrorCode: 'AccessDenied',
          LastErrorMessage: 'the role is gone',
          ...(starts() > 0 ? { LastFailedEvaluationTime: '2026-01-01T00:00:05.000Z' } : {}),
        },
      ],
    }),
  });
  expect(await reported(answers)).toMatchObject({
    Cause: 'EVALUATION_FAILED',
    Reason: 'Config could not evaluate it: AccessDenied the role is gone',
  });
});

test('what Config found before the evaluation is never read', async () => {
  const stage = fakeStage(account([finding('vol-1', 'COMPLIANT')]).answers);
  await run(checkRules, { Rules: ['r'] }, stage);
  const [started, read] = ['StartConfigRulesEvaluation', 'GetComplianceDetailsByConfigRule'].map((name) =>
    stage.calls.indexOf(`config:${name}`),
  );
  expect(started).toBeLessThan(read ?? 0);
});
