/** Section 2 of the reference: expressions, selectors and declared outputs. */
import { describe, expect, test } from 'vitest';

import { accepted, call, check, refused, runbook, sleep, takenWithoutStrict } from './ssm.ts';

const wait = (NextToken: string, more: object = {}) =>
  runbook({ mainSteps: [call('Wait', {}, { NextToken })], ...more });
const selecting = (output: object) => runbook({ mainSteps: [call('A', { outputs: [output] })] });

describe('2.1 forms', () => {
  test('a parameter and an output of a step that ran, with free blanks inside the braces', () => {
    const outputs = [{ Name: 'Out', Selector: '$.x' }];
    for (const text of ['{{P}}', '{{ P }}', '{{  P}}'])
      accepted(wait(text, { parameters: { P: { type: 'String' } } }));
    for (const text of ['{{A.Out}}', '{{ A.Out }}'])
      accepted(
        runbook({ mainSteps: [call('A', { outputs }), sleep('Wait', { inputs: { Duration: text } })] }),
      );
  });
  test.each(['DATE', 'DATE_TIME', 'REGION', 'ACCOUNT_ID', 'AWS_PARTITION'])('global:%s', (name) => {
    accepted(wait(`x{{ global:${name} }}`.slice(1)));
  });
  test('automation:EXECUTION_ID is the only automation: variable', () => {
    accepted(wait('{{automation:EXECUTION_ID}}'));
    refused(wait('{{automation:NAME}}'), 'UNKNOWN_REFERENCE');
    refused(wait('{{global:TIME}}'), 'UNKNOWN_REFERENCE');
  });
  test('{{ssm:…}} stands in defaults of parameters only', () => {
    accepted(runbook({ parameters: { P: { type: 'String', default: '{{ ssm:/a/b }}' } } }));
    refused(wait('{{ssm:/a}}'), 'SSM_REFERENCE');
  });
  test('SecureString parameters cannot be read', () => {
    refused(wait('{{ssm-secure:/a}}'), 'SSM_REFERENCE');
    refused(
      runbook({ parameters: { P: { type: 'String', default: '{{ssm-secure:/a}}' } } }),
      'SSM_REFERENCE',
    );
  });
  test('a default may be a pseudo parameter of a maintenance window', () => {
    for (const name of ['RESOURCE_ID', 'TARGET_ID', 'WINDOW_EXECUTION_ID'])
      accepted(runbook({ parameters: { P: { type: 'String', default: `{{ ${name} }}` } } }));
  });
  test('a name that is not there is refused', () => {
    refused(wait('{{ Nothing }}'), 'UNKNOWN_REFERENCE');
    refused(wait('{{ Gone.Out }}'), 'UNKNOWN_REFERENCE');
  });
  test('text in braces that is not an expression stays as it is', () => {
    const script = "docker ps --format '{{ .Names }}' {{#if x}} {{resolve:ssm:x}} {{ a | b }}";
    accepted(runbook({ mainSteps: [call('A', {}, { NextToken: script })] }));
  });
  test('an expression within another one is unsupported', () => {
    const document = wait('{{ {{P}} }}', { parameters: { P: { type: 'String' } } });
    refused(document, 'BAD_EXPRESSION', /within another one/);
    takenWithoutStrict(document);
    // In text that is not an expression, braces may stand around braces.
    accepted(wait('{{ {{ .Field }} }}'));
  });
  test('an expression reaches no deeper than Step.Output', () => {
    const outputs = [{ Name: 'Out', Selector: '$.x', Type: 'StringMap' }];
    refused(
      runbook({
        mainSteps: [call('A', { outputs }), call('Wait', {}, { NextToken: '{{ A.Out.deep }}' })],
      }),
      'BAD_EXPRESSION',
    );
  });
});

describe('2.3 missing values', () => {
  const outputs = [{ Name: 'Out', Selector: '$.x' }];
  test('a step cannot read what comes later', () => {
    refused(
      runbook({
        mainSteps: [sleep('Wait', { inputs: { Duration: '{{ A.Out }}' } }), call('A', { outputs })],
      }),
      'NOT_RUN_YET',
    );
  });
  test('an output that its step does not declare is looked up when the step runs, which is warned of', () => {
    const document = runbook({
      mainSteps: [call('A'), sleep('Wait', { inputs: { Duration: '{{ A.Out }}' } })],
    });
    accepted(document);
    expect(check(document).diagnostics).toMatchObject([{ code: 'UNKNOWN_REFERENCE', severity: 'warning' }]);
  });
  test('in the outputs of the document it has no value, which is warned of', () => {
    const document = runbook({ mainSteps: [call('A')], outputs: ['A.Out'] });
    accepted(document);
    expect(check(document).diagnostics).toMatchObject([{ code: 'UNKNOWN_REFERENCE', severity: 'warning' }]);
  });
  test('an output that is nearly a declared one is refused', () => {
    const mainSteps = [
      call('A', { outputs: [{ Name: 'Ids', Selector: '$.x' }] }),
      sleep('Wait', { inputs: { Duration: '{{ A.Idz }}' } }),
    ];
    refused(runbook({ mainSteps }), 'UNKNOWN_REFERENCE');
  });
});

describe('2.4 selectors', () => {
  test.each([
    '$',
    '$.a',
    '$.a.b.c',
    '$.a[0].b',
    '$.a[0].b[0].c.d',
    '$..name',
    '$.Payload.matches[2]',
    '$.a[*].b',
    "$.a[?(@.State.Name == 'running')].b",
    '$.a[?(@.n > 3)]',
    "$.Outputs.'bake.ImageId'[0]",
    '$.Volumes.[0].State',
    'SnapshotId',
    'Payload.X',
  ])('%s is a selector', (Selector) => {
    accepted(selecting({ Name: 'x', Selector }));
  });
  test('a filter has no && and no ||', () => {
    for (const Selector of ["$.a[?(@.b == 'x' && @.c == 'y')]", '$.a[?(@.b || @.c)]']) {
      refused(selecting({ Name: 'x', Selector }), 'BAD_SELECTOR');
      takenWithoutStrict(selecting({ Name: 'x', Selector }));
    }
  });
  test.each(['$.a[0:2]', '$.a[0,1]', '$.a[-1]', '$.a[?(@.b)]', "$.a[?(@.b == 'x' && @.c == 'y')]"])(
    '%s is beyond the subset',
    (Selector) => {
      refused(selecting({ Name: 'x', Selector }), 'BAD_SELECTOR', /AWS's JSONPath/);
      takenWithoutStrict(selecting({ Name: 'x', Selector }));
      const waiting = runbook({
        mainSteps: [
          {
            name: 'A',
            action: 'aws:waitForAwsResourceProperty',
            inputs: {
              Service: 'ec2',
              Api: 'DescribeVolumes',
              PropertySelector: Selector,
              DesiredValues: ['x'],
            },
          },
        ],
      });
      refused(waiting, 'BAD_SELECTOR', /PropertySelector/);
    },
  );
  test.each(['==', '!=', '>', '<', '>=', '<='])('a filter compares with %s', (operator) => {
    for (const literal of ["'x'", '3'])
      accepted(selecting({ Name: 'x', Selector: `$.a[?(@.b.c ${operator} ${literal})].d` }));
  });
  test('what is no JSONPath is refused', () => {
    for (const Selector of ['$.a[', '$.a..', '']) refused(selecting({ Name: 'x', Selector }), 'BAD_SELECTOR');
  });
});

describe('2.5 declared outputs', () => {
  test.each(['String', 'StringList', 'Integer', 'Boolean', 'StringMap', 'MapList'])(
    'Type may be %s',
    (Type) => {
      accepted(selecting({ Name: 'x', Selector: '$.x', Type }));
    },
  );
  test('Type is optional', () => {
    accepted(selecting({ Name: 'x', Selector: '$.x' }));
  });
  test('Name and Selector are required, and no other Type exists', () => {
    refused(selecting({ Selector: '$.x' }), 'MISSING_KEY');
    refused(selecting({ Name: 'x' }), 'MISSING_KEY');
    refused(selecting({ Name: 'x', Selector: '$.x', Type: 'Number' }), 'WRONG_VALUE');
  });
});

describe('2.1 and 2.2, as far as a document is accepted or refused for it', () => {
  const list = { parameters: { P: { type: 'StringList' }, T: { type: 'String' } } };
  const inputs = (more: Readonly<Record<string, unknown>>) =>
    runbook({ mainSteps: [call('A', {}, more)], ...list });
  test('a list may stand whole in the place of a list, and as an element of one, where it is spread', () => {
    accepted(inputs({ InstanceIds: '{{ P }}' }));
    accepted(inputs({ InstanceIds: ['{{ P }}', 'i-1'] }));
  });
  test('any value may be embedded in a text', () => {
    accepted(inputs({ NextToken: 'x {{ P }} and {{ T }}' }));
  });
  test('{{resolve:…}} of CloudFormation is left alone', () => {
    accepted(
      runbook({
        mainSteps: [
          {
            name: 'A',
            action: 'aws:createStack',
            inputs: { StackName: 's', TemplateBody: '{"a": "{{resolve:ssm:/x:1}}"}' },
          },
        ],
      }),
    );
  });
  test('variables are read as variable:name', () => {
    accepted(wait('{{ variable:V }}', { variables: { V: { type: 'String', default: 'x' } } }));
    refused(wait('{{ variable:Gone }}'), 'UNKNOWN_REFERENCE');
  });
  test('a step reads what its own action gives by itself', () => {
    accepted(
      runbook({
        mainSteps: [
          { name: 'Run', action: 'aws:runInstances', inputs: { ImageId: 'ami-1' } },
          {
            name: 'Stop',
            action: 'aws:changeInstanceState',
            inputs: { InstanceIds: ['{{ Run.InstanceIds }}'], DesiredState: 'stopped' },
          },
        ],
      }),
    );
  });
});
