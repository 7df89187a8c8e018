/** What a sound document becomes. */
import { describe, expect, test } from 'vitest';

import { checkDocument, type Document } from '../../src/document/index.ts';
import { fakeCatalog } from './fake-catalog.ts';

function read(text: string): Document {
  const { document, diagnostics } = checkDocument({ file: 'test.yaml', text }, fakeCatalog);
  if (document === undefined) throw new Error(diagnostics.map(({ message }) => message).join('; '));
  return document;
}

const head = "schemaVersion: '0.3'\n";
const pause = 'mainSteps: [{ name: A, action: aws:pause, inputs: {} }]\n';

describe('a document', () => {
  test('has the defaults of SSM where it is silent', () => {
    expect(read(head + pause)).toEqual({
      schemaVersion: '0.3',
      parameters: {},
      mainSteps: [
        {
          name: 'A',
          action: 'aws:pause',
          inputs: {},
          outputs: [],
          maxAttempts: 1,
          onFailure: { kind: 'Abort' },
          onCancel: { kind: 'Abort' },
          isCritical: true,
          isEnd: false,
          undo: { kind: 'auto' },
          capture: {},
        },
      ],
      outputs: [],
      rollback: { when: 'never', timeoutSeconds: 1800 },
      additions: [],
    });
  });

  test('keeps everything that it says', () => {
    const document = read(`${head}
description: All of it.
assumeRole: '{{ Role }}'
notify: { sns: 'arn:aws:sns:eu-west-1:111122223333:alerts' }
rollback: { when: ask, timeoutSeconds: 60 }
outputs: [A.Ids]
parameters:
  Role: { type: 'AWS::IAM::Role::Arn', default: '' }
  Secret: { type: String, secret: true }
  Sizes: { type: StringList, default: [a], allowedValues: [a, b], minItems: 1, maxItems: 2, description: Sizes. }
mainSteps:
  - name: A
    action: aws:executeAwsApi
    description: First.
    inputs: { Service: ec2, Api: DescribeInstances, Nested: [{ x: '{{ Sizes }}' }] }
    outputs: [{ Name: Ids, Selector: $..InstanceId, Type: StringList }]
    maxAttempts: 3
    timeoutSeconds: 20
    onFailure: Continue
    nextStep: B
  - name: B
    action: host:service
    inputs: { Host: h, Name: n, State: started }
    timeoutSeconds: '{{ Sizes }}'
    onFailure: step:C
    onCancel: step:C
    isCritical: "false"
    isEnd: "true"
    capture:
      Version: postgres --version
      Ids: { Service: ec2, Api: DescribeVolumes, Selector: $..VolumeId }
    undo:
      - { name: Back, action: host:service, inputs: { Host: '{{ inputs.Host }}', Name: n, State: stopped } }
  - name: C
    action: aws:pause
    undo: { none: it only waits }
`);
    expect(document).toMatchObject({
      description: 'All of it.',
      assumeRole: '{{ Role }}',
      notify: { sns: 'arn:aws:sns:eu-west-1:111122223333:alerts' },
      rollback: { when: 'ask', timeoutSeconds: 60 },
      outputs: ['A.Ids'],
      parameters: {
        Role: { type: 'AWS::IAM::Role::Arn', default: '' },
        Secret: { type: 'String', secret: true },
        Sizes: { default: ['a'], allowedValues: ['a', 'b'], minItems: 1, maxItems: 2 },
      },
    });
    expect(document.additions.toSorted()).toEqual([
      'capture',
      'host:service',
      'notify',
      'rollback',
      'secret',
      'undo',
    ]);
    const [a, b, c] = document.mainSteps;
    expect(a).toMatchObject({
      inputs: { Service: 'ec2', Api: 'DescribeInstances', Nested: [{ x: '{{ Sizes }}' }] },
      outputs: [{ Name: 'Ids', Selector: '$..InstanceId', Type: 'StringList' }],
      maxAttempts: 3,
      timeoutSeconds: 20,
      onFailure: { kind: 'Continue' },
      isCritical: false,
      nextStep: 'B',
    });
    expect(b).toMatchObject({
      timeoutSeconds: '{{ Sizes }}',
      onFailure: { kind: 'step', step: 'C' },
      onCancel: { kind: 'step', step: 'C' },
      isCritical: false,
      isEnd: true,
      capture: {
        Version: { kind: 'command', command: 'postgres --version' },
        Ids: {
          kind: 'api',
          inputs: { Service: 'ec2', Api: 'DescribeVolumes' },
          selector: '$..VolumeId',
        },
      },
      undo: { kind: 'steps', steps: [{ name: 'Back', inputs: { Host: '{{ inputs.Host }}' } }] },
    });
    expect(c?.undo).toEqual({ kind: 'none', reason: 'it only waits' });
  });

  test('is plain JSON', () => {
    const document = read(`${head}${pause}`);
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  });

  test('reads the same from JSON, tabs and all', () => {
    const yaml = read(`${head}description: x\n${pause}`);
    const json = JSON.stringify(
      { schemaVersion: '0.3', description: 'x', mainSteps: [{ name: 'A', action: 'aws:pause', inputs: {} }] },
      null,
      '\t',
    );
    expect(read(json)).toEqual(yaml);
  });

  test('may begin with a byte order mark and end its lines as Windows does', () => {
    const text = `\uFEFF${head}${pause}`.replaceAll('\n', '\r\n');
    expect(read(text)).toEqual(read(head + pause));
    const { diagnostics } = checkDocument({ file: 't', text: `${text}wrong: x\r\n` }, fakeCatalog);
    expect(diagnostics).toMatchObject([
      { code: 'UNKNOWN_KEY', start: { line: 3, column: 1 }, end: { column: 6 } },
    ]);
  });

  test('may say its version without quotes', () => {
    expect(read(`schemaVersion: 0.3\n${pause}`).schemaVersion).toBe('0.3');
  });

  test('follows aliases and merge keys', () => {
    const document = read(`${head}
mainSteps:
  - &first { name: A, action: aws:executeAwsApi, inputs: &in { Service: ec2, Api: DescribeInstances } }
  - <<: *first
    name: B
    inputs: { <<: *in, Api: DescribeVolumes }
`);
    expect(document.mainSteps.map(({ name, inputs }) => [name, inputs['Api']])).toEqual([
      ['A', 'DescribeInstances'],
      ['B', 'DescribeVolumes'],
    ]);
  });

  test('may have flow maps that are not indented, as published ones have', () => {
    const text = `${head}
mainSteps:
  - name: A
    action: aws:executeAwsApi
    inputs:
      Service: ec2
      Api: DescribeInstances
      Filter: {
      "a": 1,
      "b": [
      "x: y"
      ],
      }
      Bad: '{{ Gone }}'
`;
    const { diagnostics } = checkDocument({ file: 't', text }, fakeCatalog);
    expect(diagnostics).toMatchObject([{ code: 'UNKNOWN_REFERENCE', start: { line: 15, column: 16 } }]);
    const { mainSteps } = read(text.replace('{{ Gone }}', 'x'));
    expect(mainSteps[0]?.inputs['Filter']).toEqual({ a: 1, b: ['x: y'] });
  });

  test('has booleans where YAML 1.1 has words and the schema wants one, and text elsewhere', () => {
    const { mainSteps } = read(`${head}
mainSteps:
  - name: A
    action: aws:changeInstanceState
    inputs: { InstanceIds: [no], DesiredState: running, Force: yes, CheckStateOnly: Off }
`);
    expect(mainSteps[0]?.inputs).toEqual({
      InstanceIds: ['no'],
      DesiredState: 'running',
      Force: true,
      CheckStateOnly: false,
    });
  });
});

describe('the rollback of a document', () => {
  const when = (text: string): string => read(head + text).rollback.when;
  const snapshot = 'mainSteps: [{ name: A, action: aws:createSnapshot, inputs: { VolumeId: v } }]\n';

  test('is for documents that use an addition, unless they say otherwise', () => {
    expect(when(pause)).toBe('never');
    expect(when(`notify: { sns: x }\n${pause}`)).toBe('onFailure');
    expect(when(`rollback: { timeoutSeconds: 5 }\n${pause}`)).toBe('onFailure');
    expect(when(`rollback: { when: never }\n${pause}`)).toBe('never');
    expect(when('mainSteps: [{ name: A, action: aws:pause, undo: { none: why } }]')).toBe('onFailure');
    expect(when('mainSteps: [{ name: A, action: ebs:snapshot, inputs: { Host: h, Mounts: [/] } }]')).toBe(
      'onFailure',
    );
  });

  test('is not brought by aws:createSnapshot alone', () => {
    expect(when(snapshot)).toBe('never');
    expect(read(head + snapshot).additions).toEqual(['aws:createSnapshot']);
  });
});

describe('hostile texts', () => {
  test.each([
    [
      'an alias bomb',
      `a: &a [${'x,'.repeat(50)}]\n${'bcdefg'
        .split('')
        .map((n, i) => `${n}: &${n} [${`*${'abcdefg'[i]},`.repeat(50)}]`)
        .join('\n')}\n`,
    ],
    ['very deep nesting', `a: ${'['.repeat(20_000)}`],
    ['deep block nesting', Array.from({ length: 3000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
    ['dashes in a row', '- '.repeat(30_000)],
    ['a NUL', 'a: \0'],
    ['half a surrogate', 'a: "\\uD800"'],
    ['a lone tag', '!!binary x'],
    ['a directive', '%YAML 9.9\n---\na: 1'],
    ['keys of objects', '__proto__: 1\nconstructor: 2\nhasOwnProperty: 3\n'],
  ])('%s is refused without a throw, in time', (_, text) => {
    const started = process.cpuUsage();
    const { document, diagnostics } = checkDocument({ file: 'x', text: `${text}\n` }, fakeCatalog);
    expect(document).toBeUndefined();
    expect(diagnostics.length).toBeGreaterThan(0);
    const { user, system } = process.cpuUsage(started);
    expect((user + system) / 1000).toBeLessThan(5000);
  });
});
