/** src/compliance/parse-rules.ts: everything that is wrong with a compliance file is told at its place. */
import { expect, test } from 'vitest';
import { createCheckCatalog } from '../../src/actions/index.ts';
import { parseRules } from '../../src/compliance/index.ts';
import { renderDiagnostics } from '../../src/document/index.ts';
import { offlineModels } from '../../src/runtime/offline-models.ts';

const catalog = createCheckCatalog(offlineModels());
const read = (text: string) =>
  parseRules({ file: 'base.yaml', text }, catalog, { isThere: (path) => !path.includes('nowhere') });
const wrong = (text: string): string[] =>
  read(text).diagnostics.map(
    ({ code, start, message, hint }) =>
      `${start.line}:${start.column} ${code} ${message}${hint === undefined ? '' : ` | ${hint}`}`,
  );

test('a sound file is read with its defaults', () => {
  const { ruleSet, diagnostics } = read(`Name: base
Targets: group:web
Rules:
  - Name: ssh
    Check: check:service
    Inputs: { Names: [ssh], State: active }
    Remedy: { Runbook: restart.yaml, Parameters: { Host: '{{ TARGET }}' } }
  - { Name: kernel, Severity: LOW, Check: check:kernel, Targets: [db1, db2] }
`);
  expect(diagnostics).toEqual([]);
  expect(ruleSet?.rules).toMatchObject([
    { name: 'ssh', severity: 'MEDIUM', targets: ['group:web'], remedy: { mode: 'propose' } },
    { name: 'kernel', severity: 'LOW', targets: ['db1', 'db2'], inputs: {} },
  ]);
});

test.each([
  ['', [/MISSING|EMPTY|NOT_A_MAP/]],
  ['- a', [/NOT_A_MAP/]],
  ['Rules: []', [/MISSING_KEY.*Name/, /MISSING_KEY.*Rules/]],
  ['Name: a b\nRules: [x]', [/RULE_NAME/, /WRONG_TYPE a rule is a map of keys/]],
  [
    'Name: a\nTargets: h\nRules:\n  - { Name: x, Check: service, Inputs: {} }\n  - { Name: x, Check: check:servise }',
    [
      /^4:23 UNKNOWN_CHECK .*Did you mean check:service\?/,
      /^5:13 DUPLICATE_RULE/,
      /^5:23 UNKNOWN_CHECK .*Did you mean check:service\?/,
    ],
  ],
  [
    'Name: a\nRules:\n  - { Name: x, Check: check:kernel }',
    [/NO_TARGETS rule x looks at hosts and needs Targets/],
  ],
  [
    'Name: a\nTargets: h\nRules:\n  - Name: x\n    Check: check:service\n    Inputs: { Name: [ssh], State: running }',
    [
      /^6:15 WRONG_CHECK_INPUT rule x: its check takes no input Name \| Did you mean Names\?/,
      /^6:35 WRONG_CHECK_INPUT rule x: State must be "active" or "inactive"/,
    ],
  ],
  [
    'Name: a\nTargets: h\nRules:\n  - { Name: x, Check: check:package, Inputs: { Names: [a], AtLeast: 1.1 } }',
    [/^4:69 WRONG_CHECK_INPUT rule x: AtLeast must be text \| Put it in quotes/],
  ],
  [
    'Name: a\nTargets: h\nRules:\n  - { Name: x, Severity: High, Check: check:service, Inputs: { Names: [a] } }',
    [/WRONG_VALUE Severity .*must be CRITICAL/, /nothing is wanted of the units/],
  ],
  [
    'Name: a\nTargets: h\nRules:\n  - { Name: x, Check: check:kernel, Remedy: { Runbook: r.yaml, Parameters: { H: "{{ HOST }}" } } }',
    [/UNKNOWN_PLACEHOLDER \{\{ HOST \}\}/],
  ],
  [
    'Name: a\nTargets: h\nRules:\n  - { Name: x, Check: check:kernel, Secrets: { Key: hunter22 } }',
    [/UNKNOWN_KEY check:kernel takes no secret Key/],
  ],
  [
    'Name: a\nTargets: h\nRules:\n  - { Name: x, Check: check:kernel, Remedy: { Runbook: nowhere.yaml } }',
    [/^4:56 NO_RUNBOOK there is no runbook nowhere.yaml \| Its path is relative to this file/],
  ],
  [
    'Name: a\nRules:\n  - { Name: x, Check: check:kernel, Targets: [h, "instance-tag:role"] }',
    [/^3:46 BAD_TARGET instance-tag:role names no tag of instances \| instance-tag:KEY=VALUE/],
  ],
  [
    'Name: a\nRules:\n  - { Name: x, Check: check:awsApi, Inputs: { Service: ec2, Api: DescribeVolums, PropertySelector: $.x, DesiredValues: [1] } }',
    [/^3:66 WRONG_CHECK_INPUT .*ec2 has no operation DescribeVolums. Did you mean DescribeVolumes\?/],
  ],
  [
    'Name: a\nRules:\n  - { Name: x, Check: check:awsApi, Inputs: { Service: ec2, Api: DescribeVolumes, Params: { Fliters: [] }, PropertySelector: $.x, DesiredValues: [1] } }',
    [/^3:93 WRONG_CHECK_INPUT .*Fliters.*Did you mean Filters\?/],
  ],
  [
    'Name: a\nRules:\n  - { Name: x, Check: check:minio, Inputs: { Hosts: [h], OneVersion: true, AccessKey: abcdefgh, SecretKey: hunter22 } }',
    [/AccessKey of rule x is a secret, and a compliance file holds only where it is/, /SecretKey of rule x/],
  ],
])('%j is told', (text, expected) => {
  const found = wrong(text);
  expect(found).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
});

test.each([
  'Inputs: { Hosts: [h], OnVersion: true, SecretKey: hunter22 }',
  'Inputs: { Hosts: [h], OneVersion: true }, Secrets: { SecretKey: hunter22, Nothing: x }, Severity: high',
  'Secrets: { Nothing: hunter22 }',
])('no line that holds a secret is quoted, whatever else is wrong on it: %s', (more) => {
  const source = {
    file: 'base.yaml',
    text: `Name: a\nRules:\n  - { Name: x, Check: check:minio, ${more} }\n`,
  };
  const { diagnostics } = parseRules(source, catalog);
  expect(diagnostics.length).toBeGreaterThan(1);
  expect(renderDiagnostics(diagnostics, [source], { color: false })).not.toContain('hunter22');
});
