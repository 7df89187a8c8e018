/** Section 5 of the reference: targets and rate control, as aws:executeAutomation takes them. */
import { describe, test } from 'vitest';

import { accepted, refused, runbook, takenWithoutStrict } from './ssm.ts';

const child = (inputs: object) =>
  runbook({
    mainSteps: [
      {
        name: 'Child',
        action: 'aws:executeAutomation',
        inputs: { DocumentName: 'AWS-StopEC2Instance', ...inputs },
      },
    ],
  });
const at = (more: object) =>
  child({ TargetLocations: [{ Accounts: ['111122223333'], Regions: ['eu-west-1'], ...more }] });
const targets = (Key: string, Values: readonly string[]) => ({
  TargetParameterName: 'InstanceId',
  Targets: [{ Key, Values }],
});

describe('5.1 target forms', () => {
  test.each([
    ['ParameterValues', ['i-1', 'i-2']],
    ['tag:Role', ['db']],
    ['ResourceGroup', ['fleet']],
    ['AWS::EC2::Instance', ['*']],
  ])('Key may be %s', (key, values) => {
    accepted(child(targets(key, values)));
  });
  test('Targets has exactly one entry', () => {
    const two = [
      { Key: 'tag:Role', Values: ['db'] },
      { Key: 'tag:Stage', Values: ['prod'] },
    ];
    refused(child({ TargetParameterName: 'InstanceId', Targets: two }), 'WRONG_INPUT');
    refused(child({ TargetParameterName: 'InstanceId', Targets: [] }), 'WRONG_INPUT');
  });
  test('no other Key exists, and Hosts is an addition of Belay', () => {
    refused(child(targets('Role', ['db'])), 'WRONG_INPUT', /not a key of Targets/);
    refused(child(targets('tag:', ['db'])), 'WRONG_INPUT');
    refused(child(targets('Hosts', ['db1'])), 'ADDITION');
    takenWithoutStrict(child(targets('Hosts', ['db1'])));
  });
  test('AWS::EC2::Instance takes * alone', () => {
    for (const values of [['i-0123456789abcdef0'], ['*', 'i-0123456789abcdef0']])
      refused(child(targets('AWS::EC2::Instance', values)), 'WRONG_INPUT', /takes \* alone/);
  });
  test('ResourceGroup is one group name', () => {
    refused(child(targets('ResourceGroup', ['a', 'b'])), 'WRONG_INPUT', /one resource group/);
    takenWithoutStrict(child(targets('ResourceGroup', ['a', 'b'])));
  });
  test('a target has 1 to 50 values', () => {
    const values = (count: number) => Array.from({ length: count }, (_, n) => `v${n}`);
    for (const key of ['ParameterValues', 'tag:Role']) {
      accepted(child(targets(key, values(50))));
      refused(child(targets(key, values(51))), 'SSM_LIMIT', /51 values/);
      takenWithoutStrict(child(targets(key, values(51))));
      refused(child(targets(key, [])), 'WRONG_INPUT', /no value/);
    }
  });
  test('Targets needs TargetParameterName', () => {
    refused(child({ Targets: [{ Key: 'tag:Role', Values: ['db'] }] }), 'WRONG_INPUT', /TargetParameterName/);
  });
  test('Key and Values may be expressions', () => {
    accepted(
      runbook({
        parameters: { K: { type: 'String' }, V: { type: 'StringList' } },
        mainSteps: [
          {
            name: 'Child',
            action: 'aws:executeAutomation',
            inputs: {
              DocumentName: 'AWS-StopEC2Instance',
              TargetParameterName: 'InstanceId',
              Targets: [{ Key: '{{ K }}', Values: '{{ V }}' }],
            },
          },
        ],
      }),
    );
  });
  test('TargetMaps holds at most 300 maps, each of 1 to 20 keys with at most 25 values', () => {
    const maps = (count: number) => Array.from({ length: count }, (_, n) => ({ InstanceId: [`i-${n}`] }));
    const keys = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`K${n}`, ['v']]));
    const values = (count: number) => Array.from({ length: count }, (_, n) => `i-${n}`);
    accepted(child({ TargetMaps: maps(300) }));
    accepted(child({ TargetMaps: [keys(20)] }));
    accepted(child({ TargetMaps: [{ InstanceId: values(25) }] }));
    for (const TargetMaps of [maps(301), [keys(21)], [{ InstanceId: values(26) }]]) {
      refused(child({ TargetMaps }), 'SSM_LIMIT');
      takenWithoutStrict(child({ TargetMaps }));
    }
  });
  test('a name and a value in TargetMaps have at most 50 characters', () => {
    accepted(child({ TargetMaps: [{ ['k'.repeat(50)]: ['v'.repeat(50)] }] }));
    for (const map of [{ ['k'.repeat(51)]: ['v'] }, { InstanceId: ['v'.repeat(51)] }]) {
      refused(child({ TargetMaps: [map] }), 'SSM_LIMIT', /51 characters/);
      takenWithoutStrict(child({ TargetMaps: [map] }));
    }
  });
  test('TargetMaps is exclusive with Targets', () => {
    accepted(child({ TargetMaps: [{ InstanceId: ['i-1'] }, { InstanceId: ['i-2'] }] }));
    refused(child({ ...targets('tag:Role', ['db']), TargetMaps: [{ InstanceId: ['i-1'] }] }), 'WRONG_INPUT');
  });
});

describe('5.2 MaxConcurrency and 5.3 MaxErrors', () => {
  test.each(['1', '10', '10%', '100%'])('MaxConcurrency may be %s', (MaxConcurrency) => {
    accepted(child({ ...targets('tag:Role', ['db']), MaxConcurrency }));
  });
  test.each(['0', '-1', '101%', 'all'])('MaxConcurrency cannot be %s', (MaxConcurrency) => {
    refused(child({ ...targets('tag:Role', ['db']), MaxConcurrency }), 'WRONG_INPUT');
  });
  test.each(['0', '3', '0%', '10%', '100%'])('MaxErrors may be %s', (MaxErrors) => {
    accepted(child({ ...targets('tag:Role', ['db']), MaxErrors }));
  });
  test.each(['-1', '101%', 'none'])('MaxErrors cannot be %s', (MaxErrors) => {
    refused(child({ ...targets('tag:Role', ['db']), MaxErrors }), 'WRONG_INPUT');
  });
});

describe('5.2 and 5.3, the patterns of the service', () => {
  test.each(['007', '05%', ' 5'])('%j is not a MaxConcurrency and no MaxErrors', (value) => {
    for (const name of ['MaxConcurrency', 'MaxErrors']) {
      const document = child({ ...targets('tag:Role', ['db']), [name]: value });
      refused(document, 'WRONG_INPUT');
      takenWithoutStrict(document);
    }
  });
  test.each(['TargetLocationMaxConcurrency', 'TargetsMaxConcurrency'])(
    '%s of a location is a count or a percentage',
    (name) => {
      for (const value of ['1', '10%', '100%']) accepted(at({ [name]: value }));
      for (const value of ['0', '101%', 'all']) refused(at({ [name]: value }), 'WRONG_INPUT');
    },
  );
  test.each(['TargetLocationMaxErrors', 'TargetsMaxErrors'])(
    '%s of a location is a count or a percentage',
    (name) => {
      for (const value of ['0', '3', '0%', '10%']) accepted(at({ [name]: value }));
      for (const value of ['-1', '101%', 'none']) refused(at({ [name]: value }), 'WRONG_INPUT');
    },
  );
  test('targets of a location are chosen as the others', () => {
    refused(
      at({ Targets: [{ Key: 'AWS::EC2::Instance', Values: ['i-1'] }] }),
      'WRONG_INPUT',
      /takes \* alone/,
    );
  });
});

describe('5.5 alarms of a location', () => {
  test('there is exactly one', () => {
    const alarms = (...names: readonly string[]) =>
      at({ TargetLocationAlarmConfiguration: { Alarms: names.map((Name) => ({ Name })) } });
    accepted(alarms('a'));
    for (const document of [alarms(), alarms('a', 'b')])
      refused(document, 'WRONG_INPUT', /exactly one alarm/);
  });
});

describe('5.4 TargetLocations', () => {
  const locations = (...TargetLocations: readonly object[]) => child({ TargetLocations });
  const place = { Accounts: ['111122223333'], Regions: ['eu-west-1'] };
  test('each has accounts or organizational units, regions, a role, and limits of its own', () => {
    accepted(
      locations({
        ...place,
        Accounts: ['111122223333', 'ou-abcd-12345678'],
        ExecutionRoleName: 'AWS-SystemsManager-AutomationExecutionRole',
        TargetLocationMaxConcurrency: '1',
        TargetLocationMaxErrors: '0',
        IncludeChildOrganizationUnits: true,
        ExcludeAccounts: ['444455556666'],
        Targets: [{ Key: 'tag:Role', Values: ['db'] }],
        TargetsMaxConcurrency: '10%',
        TargetsMaxErrors: '1',
        TargetLocationAlarmConfiguration: { Alarms: [{ Name: 'a' }] },
      }),
    );
  });
  test('there are 1 to 100 of them, with at most 50 accounts and 50 regions each', () => {
    const many = (count: number) => Array.from({ length: count }, (_, n) => `${n}`);
    accepted(locations(...Array.from({ length: 100 }, () => place)));
    accepted(locations({ Accounts: many(50), Regions: many(50) }));
    refused(locations(), 'WRONG_INPUT');
    refused(locations(...Array.from({ length: 101 }, () => place)), 'WRONG_INPUT');
    refused(locations({ ...place, Accounts: many(51) }), 'WRONG_INPUT');
    refused(locations({ ...place, Regions: many(51) }), 'WRONG_INPUT');
  });
  test('no other key is known', () => {
    refused(locations({ ...place, Role: 'r' }), 'UNKNOWN_INPUT');
  });
});

describe('aws:executeAutomation itself', () => {
  test('DocumentName is a name or an ARN, and DocumentVersion $DEFAULT, $LATEST or a number', () => {
    accepted(child({ DocumentName: 'arn:aws:ssm:eu-west-1:111122223333:document/Team-Stop' }));
    for (const DocumentVersion of ['$DEFAULT', '$LATEST', '3', 3]) accepted(child({ DocumentVersion }));
    for (const DocumentVersion of ['latest', '0', '-1', 'v2'])
      refused(child({ DocumentVersion }), 'WRONG_INPUT');
  });
  test('RuntimeParameters may give one value for a list, and a list of one for a value', () => {
    accepted(child({ RuntimeParameters: { InstanceId: 'i-1', AutomationAssumeRole: [''] } }));
  });
  test('the service takes 5 Tags', () => {
    const tags = (count: number) =>
      child({ Tags: Array.from({ length: count }, (_, n) => ({ Key: `k${n}`, Value: 'v' })) });
    accepted(tags(5));
    refused(tags(6), 'SSM_LIMIT');
    takenWithoutStrict(tags(6));
  });
  test('StrictErrors is an addition of Belay', () => {
    const document = child({ ...targets('tag:Role', ['db']), StrictErrors: true });
    refused(document, 'ADDITION');
    takenWithoutStrict(document);
  });
});
