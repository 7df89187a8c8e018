/**
 * Checks of the account against an AWS that throttles, answers in empty pages, loses things midway, is stale or gives half of an
 * answer: nothing of that is ever compliant. src/actions/check/config-rules.ts, src/actions/check/aws-api.ts,
 * src/actions/check/encrypted-volumes.ts, src/actions/check/volume-snapshots.ts, src/actions/check/patch-state.ts,
 * src/actions/check/associations.ts.
 */
import { describe, expect, test } from 'vitest';
import { checkAssociations } from '../../../src/actions/check/associations.ts';
import { checkAwsApi } from '../../../src/actions/check/aws-api.ts';
import { checkConfigRules } from '../../../src/actions/check/config-rules.ts';
import type { AccountCheck } from '../../../src/actions/check/define-check.ts';
import { checkEncryptedVolumes } from '../../../src/actions/check/encrypted-volumes.ts';
import { checkPatchState } from '../../../src/actions/check/patch-state.ts';
import { checkVolumeSnapshots } from '../../../src/actions/check/volume-snapshots.ts';
import type { Json, JsonObject } from '../../../src/json.ts';
import { AwsFailure } from '../../../src/transports/aws.ts';
import { run } from '../../support/action-bed.ts';
import { fakeStage, refused, type Answers } from '../config/fake-stage.ts';

const look = async (check: AccountCheck, inputs: JsonObject, answers: Answers): Promise<string[]> => {
  const { ending } = await run(check.action, { ...inputs, OnNonCompliant: 'report' }, fakeStage(answers));
  const outputs = (ending as JsonObject)['outputs'] as JsonObject | undefined;
  if (outputs === undefined) throw new Error(JSON.stringify(ending));
  const of = (name: string) => outputs[name] as readonly JsonObject[];
  return [
    text(outputs['Verdict']),
    ...of('Violations').map((each) => `${text(each['Subject'])} is ${text(each['Found'])}`),
    ...of('Unknown').map((each) => `${text(each['Subject'])} ? ${text(each['Code'])}`.trim()),
  ];
};
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
const throttled = (): never => {
  throw new AwsFailure({
    code: 'ThrottlingException',
    message: 'Rate exceeded',
    retryable: true,
    effect: 'none',
  });
};
/** One reply after the other; the token of each leads to the next. */
const paged =
  (replies: readonly JsonObject[]) =>
  ({ NextToken }: JsonObject): JsonObject => {
    const at = Number(NextToken ?? 0);
    return { ...replies[at], ...(at + 1 < replies.length ? { NextToken: String(at + 1) } : {}) };
  };

describe('check:encryptedVolumes', () => {
  const ask = (...replies: readonly JsonObject[]) =>
    look(checkEncryptedVolumes, {}, { 'ec2:DescribeVolumes': paged(replies) });
  const volume = (VolumeId: string, Encrypted?: boolean): JsonObject => ({
    VolumeId,
    ...(Encrypted === undefined ? {} : { Encrypted }),
    Attachments: [{ InstanceId: 'i-1' }],
  });

  test('finds what is behind empty pages', async () => {
    expect(
      await ask(
        { Volumes: [volume('vol-1', true)] },
        { Volumes: [] },
        {},
        { Volumes: [volume('vol-2', false)] },
      ),
    ).toEqual(['NON_COMPLIANT', 'vol-2 is not encrypted on i-1']);
    expect(await ask({ Volumes: [volume('vol-1', true)] })).toEqual(['COMPLIANT']);
  });
  test('a listing that leads back to itself is half an answer', async () => {
    const round = () => ({ Volumes: [volume('vol-1', true)], NextToken: 'same' });
    expect(await look(checkEncryptedVolumes, {}, { 'ec2:DescribeVolumes': round })).toEqual([
      'UNDETERMINED',
      '? HALF_ANSWER',
    ]);
  });
  test('an empty answer, half a volume and a refusal are unknown', async () => {
    expect(await ask({})).toEqual(['UNDETERMINED', '? NOTHING_JUDGED']);
    expect(await ask({ Volumes: [volume('vol-1', true), volume('vol-2')] })).toEqual([
      'UNDETERMINED',
      'vol-2 ? BAD_REPLY',
    ]);
    expect(await ask({ Volumes: [{ Encrypted: true }] })).toEqual(['UNDETERMINED', '? BAD_REPLY']);
    expect(await look(checkEncryptedVolumes, {}, { 'ec2:DescribeVolumes': throttled })).toEqual([
      'UNDETERMINED',
      '? ThrottlingException',
    ]);
    const throttledLater = ({ NextToken }: JsonObject) =>
      NextToken === undefined ? { Volumes: [volume('vol-1', true)], NextToken: 'n' } : throttled();
    expect(await look(checkEncryptedVolumes, {}, { 'ec2:DescribeVolumes': throttledLater })).toEqual([
      'UNDETERMINED',
      '? ThrottlingException',
    ]);
    expect(
      await look(checkEncryptedVolumes, { AllowNone: true }, { 'ec2:DescribeVolumes': () => ({}) }),
    ).toEqual(['COMPLIANT']);
  });
});

describe('check:volumeSnapshots', () => {
  const now = fakeStage({}).now();
  const snapshot = (VolumeId: string, hoursAgo: number, State = 'completed'): JsonObject => ({
    VolumeId,
    State,
    StartTime: new Date(now - hoursAgo * 3_600_000).toISOString(),
  });
  const ask = (snapshots: readonly JsonObject[], volumes = ['vol-1', 'vol-2']) =>
    look(
      checkVolumeSnapshots,
      { Tag: { Key: 'backup', Value: 'daily' }, MaxAgeHours: 24 },
      {
        'ec2:DescribeVolumes': () => ({ Volumes: volumes.map((VolumeId) => ({ VolumeId })) }),
        'ec2:DescribeSnapshots': () => ({ Snapshots: [...snapshots] }),
      },
    );

  test('the youngest completed one counts, for each volume', async () => {
    expect(await ask([snapshot('vol-1', 50), snapshot('vol-1', 3), snapshot('vol-2', 30)])).toEqual([
      'NON_COMPLIANT',
      'vol-2 is 30 h since its last snapshot',
    ]);
    expect(await ask([snapshot('vol-1', 3), snapshot('vol-2', 1)])).toEqual(['COMPLIANT']);
    expect(await ask([snapshot('vol-1', 3)])).toEqual([
      'NON_COMPLIANT',
      'vol-2 is without any completed snapshot',
    ]);
  });
  test('what has no time or another state than asked for is not a snapshot, and no volume is no answer', async () => {
    expect(await ask([snapshot('vol-1', 3), snapshot('vol-2', 1, 'pending')])).toEqual([
      'UNDETERMINED',
      'vol-2 ? BAD_REPLY',
    ]);
    expect(await ask([snapshot('vol-1', 3), { VolumeId: 'vol-2', State: 'completed' }])).toEqual([
      'UNDETERMINED',
      'vol-2 ? BAD_REPLY',
    ]);
    expect(await ask([], [])).toEqual(['UNDETERMINED', '? NOTHING_JUDGED']);
    // A time that has not come was read from no clock that counts.
    expect(await ask([snapshot('vol-1', 3), snapshot('vol-2', -50)])).toEqual([
      'UNDETERMINED',
      'vol-2 ? BAD_REPLY',
    ]);
  });
});

describe('check:awsApi', () => {
  const inputs = {
    Service: 'rds',
    Api: 'DescribeDBInstances',
    Items: '$.DBInstances',
    Id: '$.Name',
    PropertySelector: '$.Encrypted',
    DesiredValues: ['True'],
  };
  const ask = (reply: (params: JsonObject) => JsonObject, more: JsonObject = {}) =>
    look(checkAwsApi, { ...inputs, ...more }, { 'rds:DescribeDBInstances': reply });

  test('each thing of each page is judged, whatever the service calls the next page', async () => {
    const first = { DBInstances: [{ Name: 'a', Encrypted: true }] };
    const second = { DBInstances: [{ Name: 'b', Encrypted: false }, { Name: 'c' }] };
    for (const [from, to] of [
      ['Marker', 'Marker'],
      ['NextToken', 'NextToken'],
      ['NextMarker', 'Marker'],
    ] as const)
      expect(await ask((params) => (params[to] === 'n' ? second : { ...first, [from]: 'n' }))).toEqual([
        'NON_COMPLIANT',
        'b is false',
        'c is $.Encrypted is absent',
      ]);
    expect(
      await ask((params) =>
        params['Marker'] === 'n'
          ? { ...second, IsTruncated: false, Marker: 'n' }
          : { ...first, IsTruncated: true, Marker: 'n' },
      ),
    ).toEqual(['NON_COMPLIANT', 'b is false', 'c is $.Encrypted is absent']);
  });
  test('an empty list, a thing without a name, more without a way to it and no list are unknown', async () => {
    expect(await ask(() => ({ DBInstances: [] }))).toEqual(['UNDETERMINED', '? NOTHING_JUDGED']);
    expect(await ask(() => ({}))).toEqual(['UNDETERMINED', '? NOTHING_JUDGED']);
    expect(await ask(() => ({ DBInstances: [{ Encrypted: true }] }))).toEqual([
      'UNDETERMINED',
      '? BAD_REPLY',
    ]);
    expect(await ask(() => ({ DBInstances: 'many' }))).toEqual(['UNDETERMINED', '? BAD_REPLY']);
    expect(await ask(() => ({ DBInstances: [{ Name: 'a', Encrypted: true }], IsTruncated: true }))).toEqual([
      'UNDETERMINED',
      '? HALF_ANSWER',
    ]);
    expect(await ask(() => ({ DBInstances: [{ Name: 'a', Encrypted: true }], Marker: 'same' }))).toEqual([
      'UNDETERMINED',
      '? HALF_ANSWER',
    ]);
    expect(await ask(() => ({ DBInstances: [] }), { AllowNone: true })).toEqual(['COMPLIANT']);
  });
  test('what does not only read is refused', async () => {
    expect(checkAwsApi.problems({ ...inputs, Api: 'DeleteDBInstance' })).toMatchObject([{ path: ['Api'] }]);
    expect(await look(checkAwsApi, { ...inputs, Api: 'DeleteDBInstance' }, {})).toEqual([
      'UNDETERMINED',
      '? NOT_A_READ',
    ]);
  });
});

describe('check:patchState', () => {
  const now = fakeStage({}).now();
  const state = (InstanceId: string, hoursAgo: number | null, more: JsonObject = {}): JsonObject => ({
    InstanceId,
    ...(hoursAgo === null ? {} : { OperationEndTime: new Date(now - hoursAgo * 3_600_000).toISOString() }),
    MissingCount: 3,
    CriticalNonCompliantCount: 0,
    ...more,
  });
  const ids = ['i-00000001', 'i-00000002'];
  const ask = (states: readonly JsonObject[]) =>
    look(
      checkPatchState,
      { InstanceIds: ids, Critical: 0 },
      { 'ssm:DescribeInstancePatchStates': paged([{ InstancePatchStates: [...states] }]) },
    );

  test('critical ones count, and a node that is not listed, was never scanned or long ago is unknown', async () => {
    expect(
      await ask([state('i-00000001', 2), state('i-00000002', 2, { CriticalNonCompliantCount: 4 })]),
    ).toEqual(['NON_COMPLIANT', 'critical patches missing on i-00000002 is 4']);
    expect(await ask([state('i-00000001', 2), state('i-00000002', 2)])).toEqual(['COMPLIANT']);
    expect(await ask([state('i-00000001', 2)])).toEqual(['UNDETERMINED', 'i-00000002 ? NEVER_SCANNED']);
    expect(await ask([state('i-00000001', 2), state('i-00000002', null)])).toEqual([
      'UNDETERMINED',
      'i-00000002 ? NEVER_SCANNED',
    ]);
    expect(await ask([state('i-00000001', 2), state('i-00000002', 500)])).toEqual([
      'UNDETERMINED',
      'i-00000002 ? STALE',
    ]);
    expect(
      await ask([state('i-00000001', 2), state('i-00000002', 2, { CriticalNonCompliantCount: 'none' })]),
    ).toEqual(['UNDETERMINED', 'critical patches missing on i-00000002 ? BAD_REPLY']);
    expect(await ask([state('i-00000001', 2), state('i-00000002', -50)])).toEqual([
      'UNDETERMINED',
      'i-00000002 ? BAD_REPLY',
    ]);
  });

  test('a node of the patch group that was never scanned is unknown, by both spellings of the tag', async () => {
    const members = ({ Filters }: JsonObject): JsonObject => {
      const [filter] = Filters as unknown as readonly { readonly Key: string }[];
      const ids =
        { 'tag:PatchGroup': ['i-00000001'], 'tag:Patch Group': ['i-00000003'] }[filter?.Key ?? ''] ?? [];
      return { InstanceInformationList: ids.map((InstanceId) => ({ InstanceId })) };
    };
    const ofGroup = (states: readonly JsonObject[]) =>
      look(
        checkPatchState,
        { PatchGroup: 'web', Critical: 0 },
        {
          'ssm:DescribeInstancePatchStatesForPatchGroup': paged([{ InstancePatchStates: [...states] }]),
          'ssm:DescribeInstanceInformation': members,
        },
      );
    expect(await ofGroup([state('i-00000001', 2)])).toEqual(['UNDETERMINED', 'i-00000003 ? NEVER_SCANNED']);
    expect(await ofGroup([state('i-00000001', 2), state('i-00000003', 2)])).toEqual(['COMPLIANT']);
  });
});

test('check:associations: only Success is kept, and what is not listed is unknown', async () => {
  const association = (AssociationName: string, Status: string): JsonObject => ({
    AssociationName,
    AssociationId: 'a-1',
    Overview: { Status },
  });
  const ask = (...all: readonly JsonObject[]) =>
    look(
      checkAssociations,
      { Names: ['agent'] },
      { 'ssm:ListAssociations': paged([{ Associations: [] }, { Associations: [...all] }]) },
    );
  expect(await ask(association('agent', 'Success'), association('other', 'Failed'))).toEqual(['COMPLIANT']);
  expect(await ask(association('agent', 'Failed'))).toEqual(['NON_COMPLIANT', 'agent a-1 is Failed']);
  expect(await ask(association('agent', 'Pending'))).toEqual(['UNDETERMINED', 'agent a-1 ? NOT_ENDED']);
  expect(await ask(association('other', 'Success'))).toEqual(['UNDETERMINED', 'agent ? NO_ASSOCIATION']);
});

describe('check:configRules', () => {
  const result = (rule: string, id: string, ComplianceType: string): JsonObject => ({
    EvaluationResultIdentifier: {
      EvaluationResultQualifier: { ConfigRuleName: rule, ResourceType: 'AWS::EC2::Volume', ResourceId: id },
    },
    ComplianceType,
  });
  /** Rules a-1, a-2 and b-1; each start of an evaluation ends at the next look. */
  function account(
    found: Readonly<Record<string, readonly JsonObject[]>>,
    more: Answers = {},
  ): { answers: Answers; starts: string[][] } {
    const starts: string[][] = [];
    const rules = Object.keys(found);
    const answers: Answers = {
      'config:DescribeConfigurationRecorders': () => ({
        ConfigurationRecorders: [{ name: 'default', recordingGroup: { allSupported: true } }],
      }),
      'config:DescribeConfigurationRecorderStatus': () => ({
        ConfigurationRecordersStatus: [{ name: 'default', recording: true, lastStatus: 'SUCCESS' }],
      }),
      'config:DescribeConfigRules': ({ ConfigRuleNames, NextToken }) => {
        if (Array.isArray(ConfigRuleNames)) {
          const [name] = ConfigRuleNames as string[];
          if (!rules.includes(name ?? '')) throw refused('NoSuchConfigRuleException');
          return { ConfigRules: [{ ConfigRuleName: name ?? '', ConfigRuleState: 'ACTIVE' }] };
        }
        // Empty pages with a token are legal.
        const at = Number(NextToken ?? 0);
        const name = rules[(at - 1) / 2];
        const page =
          at % 2 === 0 || name === undefined
            ? []
            : [{ ConfigRuleName: name, ConfigRuleArn: `arn:${name}`, ConfigRuleState: 'ACTIVE' }];
        return { ConfigRules: page, ...(at < rules.length * 2 ? { NextToken: String(at + 1) } : {}) };
      },
      'config:ListTagsForResource': ({ ResourceArn }) => ({
        Tags: ResourceArn === 'arn:b-1' ? [{ Key: 'team', Value: 'x' }] : [],
      }),
      'config:StartConfigRulesEvaluation': ({ ConfigRuleNames }) => {
        starts.push(ConfigRuleNames as unknown as string[]);
        return {};
      },
      'config:DescribeConfigRuleEvaluationStatus': ({ ConfigRuleNames }) => {
        const name = (ConfigRuleNames as unknown as string[])[0] ?? '';
        const times = starts.filter((names) => names.includes(name)).length;
        return {
          ConfigRulesEvaluationStatus: [{ LastSuccessfulEvaluationTime: `2026-01-01T00:00:0${times}.000Z` }],
        };
      },
      'config:GetComplianceDetailsByConfigRule': ({ ConfigRuleName }) => ({
        EvaluationResults: [...(found[text(ConfigRuleName)] ?? [])],
      }),
      ...more,
    };
    return { answers, starts };
  }
  const good = {
    'a-1': [result('a-1', 'vol-1', 'COMPLIANT')],
    'a-2': [result('a-2', 'vol-1', 'COMPLIANT')],
    'b-1': [result('b-1', 'vol-9', 'NON_COMPLIANT')],
  };

  test('rules are meant by name, prefix or tag, over all pages, and evaluated before they are read', async () => {
    const byPrefix = account(good);
    expect(await look(checkConfigRules, { Prefix: 'a-' }, byPrefix.answers)).toEqual(['COMPLIANT']);
    expect(byPrefix.starts).toEqual([['a-1', 'a-2']]);
    expect(await look(checkConfigRules, { Tag: { Key: 'team', Value: 'x' } }, account(good).answers)).toEqual(
      ['NON_COMPLIANT', 'b-1: AWS::EC2::Volume vol-9 is non-compliant'],
    );
    expect(await look(checkConfigRules, { Prefix: 'zz' }, account(good).answers)).toEqual([
      'UNDETERMINED',
      '? NO_RULES',
    ]);
  });

  test('a rule that is lost midway, a stale answer, no result and a word that nobody knows are unknown', async () => {
    const lost = account(good, {
      'config:GetComplianceDetailsByConfigRule': () => {
        throw refused('NoSuchConfigRuleException');
      },
    });
    expect(await look(checkConfigRules, { Rules: ['a-1'] }, lost.answers)).toEqual([
      'UNDETERMINED',
      'a-1 ? RULE_MISSING',
    ]);
    const stale = account(good, {
      'config:DescribeConfigRuleEvaluationStatus': () => ({
        ConfigRulesEvaluationStatus: [{ LastSuccessfulEvaluationTime: '2025-01-01T00:00:00.000Z' }],
      }),
    });
    expect(await look(checkConfigRules, { Rules: ['a-1'], MaxWaitSeconds: 5 }, stale.answers)).toEqual([
      'UNDETERMINED',
      'a-1 ? EVALUATION_TIMED_OUT',
    ]);
    expect(await look(checkConfigRules, { Rules: ['a-1', 'gone'] }, account(good).answers)).toEqual([
      'UNDETERMINED',
      'gone ? RULE_MISSING',
    ]);
    expect(await look(checkConfigRules, { Rules: ['n'] }, account({ n: [] }).answers)).toEqual([
      'UNDETERMINED',
      'n ? NOTHING_JUDGED',
    ]);
    expect(
      await look(
        checkConfigRules,
        { Rules: ['n'] },
        account({ n: [result('n', 'v', 'INSUFFICIENT_DATA')] }).answers,
      ),
    ).toEqual(['UNDETERMINED', 'n: AWS::EC2::Volume v ? INSUFFICIENT_DATA']);
    expect(
      await look(
        checkConfigRules,
        { Rules: ['n'] },
        account({ n: [result('n', 'v', 'NOT_APPLICABLE')] }).answers,
      ),
    ).toEqual(['UNDETERMINED', 'n ? NOTHING_JUDGED']);
    const busy = account(good, {
      'config:StartConfigRulesEvaluation': () => {
        throw refused('LimitExceededException');
      },
    });
    expect(await look(checkConfigRules, { Rules: ['a-1'], MaxWaitSeconds: 12 }, busy.answers)).toEqual([
      'UNDETERMINED',
      'a-1 ? EVALUATION_BUSY',
    ]);
    expect(
      await look(
        checkConfigRules,
        { Rules: ['a-1'] },
        account(good, { 'config:DescribeConfigurationRecorders': throttled }).answers,
      ),
    ).toEqual(['UNDETERMINED', '? ThrottlingException']);
  });

  test('more rules than one call takes are started in several', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [`r${index}`, [result(`r${index}`, 'v', 'COMPLIANT')]]),
    );
    const { answers, starts } = account(many);
    expect(await look(checkConfigRules, { Prefix: 'r' }, answers)).toEqual(['COMPLIANT']);
    expect(starts.map((names) => names.length)).toEqual([25, 25, 10]);
  });
});
