import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkAny,
  checkCommandDocument,
  commandPlan,
  isCommandDocument,
} from '../../../src/document/index.ts';
import { fakeCatalog } from '../fake-catalog.ts';
import type { CommandDocument } from '../../../src/document/index.ts';

const check = (text: string) => checkCommandDocument({ file: 'c.yaml', text });
const said = (text: string) =>
  check(text).diagnostics.map(
    ({ severity, code, start, message }) => `${severity} ${code} ${start.line}:${start.column} ${message}`,
  );

function sound(text: string): CommandDocument {
  const { document, diagnostics } = check(text);
  if (document === undefined) throw new Error(JSON.stringify(diagnostics));
  return document;
}

const twoSteps = `schemaVersion: '2.2'
description: Two plugins.
parameters:
  Name: { type: String, allowedPattern: '^[a-z]+$' }
  Lines: { type: StringList, default: [echo a, echo b] }
  Safe: { type: String, default: 'a"; rm -rf /', interpolationType: ENV_VAR }
mainSteps:
  - name: Shell
    action: aws:runShellScript
    precondition: { StringEquals: [platformType, Linux] }
    inputs:
      timeoutSeconds: '60'
      runCommand: ['{{ Lines }}', 'echo {{Name}} {{ Safe }} {{ Unknown }}']
      onFailure: exit
  - name: Power
    action: aws:runPowerShellScript
    precondition: { StringEquals: ['{{ Name }} x', 'web x'] }
    inputs: { runCommand: ['Write-Host {{ Safe }}'], finallyStep: true }
`;

describe('a Command document', () => {
  test.each([
    ["schemaVersion: '2.2'", true],
    ['{"schemaVersion": "1.2"}', true],
    ['schemaVersion: 2.0', true],
    ["schemaVersion: '0.3'", false],
    ['mainSteps: []', false],
  ])('is told by its schemaVersion: %s', (text, is) => {
    expect(isCommandDocument(text)).toBe(is);
  });

  test.each(['"packages": {"x": {}}', '"packageArn": "arn:aws:ssm:::package/x"'])(
    'is told from the manifest of a package, which has a schemaVersion of the same kind: %s',
    (member) => {
      const text = `{"schemaVersion": "2.0", "version": "1.0", ${member}}`;
      const { diagnostics } = checkAny({ file: 'p.json', text }, fakeCatalog);
      expect(diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([
        'NOT_A_RUNBOOK this is the manifest of a Distributor package, and no runbook',
      ]);
    },
  );

  test('may spell the inputs of plugins in any case, as AWS does and the agent reads them', () => {
    const spelled = (inputs: string, action = 'aws:runShellScript') =>
      `schemaVersion: '2.2'\nmainSteps: [{ name: A, action: '${action}', inputs: ${inputs} }]\n`;
    const [step] = sound(spelled("{ RunCommand: [id], TimeoutSeconds: '60', onfailure: exit }")).steps;
    expect(step).toMatchObject({
      inputs: { runCommand: ['id'], timeoutSeconds: '60' },
      onFailure: 'exit',
    });
    expect(said(spelled('{ SourceType: HTTP, SourceInfo: {} }', 'aws:downloadContent'))).toEqual([]);
    expect(said(spelled('{ runCommand: [id], RunCommand: [ls] }'))).toEqual([
      expect.stringContaining('has no input RunCommand'),
    ]);
    const classic = sound(
      "schemaVersion: '1.2'\nruntimeConfig: { 'aws:runShellScript': { properties: [{ RunCommand: [id] }] } }\n",
    );
    expect(classic.steps[0]?.inputs).toEqual({ runCommand: ['id'] });
  });

  test('is read with its parameters, preconditions and what follows a failure', () => {
    expect(sound(twoSteps).steps).toMatchObject([
      {
        name: 'Shell',
        precondition: { left: 'platformType', right: 'Linux' },
        onFailure: 'exit',
        finallyStep: false,
      },
      {
        name: 'Power',
        onFailure: null,
        finallyStep: true,
        inputs: { runCommand: ['Write-Host {{ Safe }}'] },
      },
    ]);
  });

  test('of 1.2 names its plugins in runtimeConfig, one or a list of them', () => {
    const text = `schemaVersion: '1.2'
parameters: { commands: { type: StringList } }
runtimeConfig:
  aws:runShellScript:
    properties:
      - { id: 0.aws:runShellScript, runCommand: '{{ commands }}' }
      - { runCommand: [echo 2] }`;
    expect(sound(text).steps.map(({ name }) => name)).toEqual([
      '0.aws:runShellScript',
      'aws:runShellScript.1',
    ]);
  });

  test.each([
    [
      'an action of Automation',
      "schemaVersion: '2.2'\nmainSteps:\n  - { name: A, action: 'aws:executeAwsApi', inputs: {} }",
      'error UNKNOWN_ACTION 3:24 aws:executeAwsApi is an action of Automation runbooks, and no plugin of Command documents',
    ],
    [
      'a misspelt plugin',
      "schemaVersion: '2.2'\nmainSteps:\n  - { name: A, action: 'aws:runShelScript', inputs: {} }",
      'error UNKNOWN_ACTION 3:24 Command documents have no plugin aws:runShelScript',
    ],
    [
      'a missing input',
      "schemaVersion: '2.2'\nmainSteps:\n  - { name: A, action: 'aws:runShellScript', inputs: { Command: [ls] } }",
      'error MISSING_INPUT 3:46 aws:runShellScript needs runCommand',
    ],
    [
      'two steps of one name',
      "schemaVersion: '2.2'\nmainSteps:\n  - { name: A, action: 'aws:softwareInventory', inputs: {} }\n  - { name: A, action: 'aws:softwareInventory', inputs: {} }",
      'error DUPLICATE_STEP 4:13 two steps are called A',
    ],
    [
      'a finallyStep that is not the last',
      "schemaVersion: '2.2'\nmainSteps:\n  - { name: A, action: 'aws:runShellScript', inputs: { runCommand: [ls], finallyStep: true } }\n  - { name: B, action: 'aws:softwareInventory', inputs: {} }",
      'error WRONG_VALUE 3:74 only the last step can be a finallyStep',
    ],
    [
      'a precondition of one text',
      "schemaVersion: '2.2'\nmainSteps:\n  - { name: A, action: 'aws:softwareInventory', inputs: {}, precondition: { StringEquals: [x] } }",
      'error WRONG_VALUE 3:91 StringEquals compares two texts: [platformType, Linux]',
    ],
    [
      'no version that there is',
      "schemaVersion: '2.3'",
      'error SCHEMA_VERSION 1:16 the schemaVersion of a Command document is 1.2, 2.0 or 2.2',
    ],
    [
      'a key of Automation, which is read past',
      "schemaVersion: '2.2'\nmainSteps:\n  - { name: A, action: 'aws:softwareInventory', inputs: {}, isEnd: true }",
      'warning NOT_IN_SSM 3:61 isEnd means nothing in a Command document, and is not looked at',
    ],
  ])('with %s is told so, with the place', (_, text, wanted) => {
    expect(said(text)).toContain(wanted);
  });

  test('never crashes the reader, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 0, max: twoSteps.length }), (noise, at) => {
        check(twoSteps.slice(0, at) + noise + twoSteps.slice(at));
        check(noise);
      }),
      { numRuns: 300 },
    );
  });
});

describe('with values', () => {
  test('a parameter that is the whole text keeps its kind, one inside a text is written, and one of the environment is not', () => {
    const plan = commandPlan(sound(twoSteps), { Name: 'web' });
    expect(plan).toMatchObject({
      ok: true,
      env: { SSM_Safe: 'a"; rm -rf /' },
      plugins: [
        {
          platform: 'Linux',
          isSkipped: false,
          inputs: { runCommand: ['echo a', 'echo b', 'echo web ${SSM_Safe} {{ Unknown }}'] },
        },
        { platform: null, isSkipped: false, inputs: { runCommand: ['Write-Host ${env:SSM_Safe}'] } },
      ],
    });
  });

  test('a precondition that does not hold skips the plugin', () => {
    expect(commandPlan(sound(twoSteps), { Name: ['db'] })).toMatchObject({
      plugins: [{ isSkipped: false }, { isSkipped: true }],
    });
  });

  test('what does not fit is named, all of it', () => {
    expect(commandPlan(sound(twoSteps), { Name: 'WEB', Nmae: 'x' })).toMatchObject({
      ok: false,
      problems: [expect.stringContaining('no parameter Nmae'), expect.stringContaining('Name')],
    });
    expect(commandPlan(sound(twoSteps), {})).toMatchObject({
      ok: false,
      problems: ['the parameter Name has no default and is not given'],
    });
  });

  test('nothing in a value is taken for an expression', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const document = sound(
          "schemaVersion: '2.2'\nparameters: { A: { type: String }, B: { type: String, default: b } }\nmainSteps:\n  - { name: S, action: 'aws:runShellScript', inputs: { runCommand: ['x {{ A }} y'] } }",
        );
        const plan = commandPlan(document, { A: `${value}{{ B }}` });
        if (value.includes('\0')) return;
        expect(plan).toMatchObject({
          ok: true,
          plugins: [{ inputs: { runCommand: [`x ${value}{{ B }} y`] } }],
        });
      }),
    );
  });
});
