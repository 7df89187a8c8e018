/** `notify:` of belay.yaml: what is read, and what is refused at its place with what to write instead. */
import { Ajv } from 'ajv';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { eventNames, fieldNames } from '../../src/notify/index.ts';
import { expect, test } from 'vitest';
import { renderDiagnostics } from '../../src/document/index.ts';
import { inventorySchema, parseInventory } from '../../src/inventory/index.ts';

const isFit = new Ajv({ allowUnionTypes: true }).compile(inventorySchema());

function read(text: string) {
  const source = { file: 'belay.yaml', text };
  const { inventory, diagnostics } = parseInventory(source, { resolvePath: (path) => `/project/${path}` });
  return {
    channels: inventory?.channels,
    rendered: renderDiagnostics(diagnostics, [source], { color: false }),
  };
}

const whole = `notify:
  ops:
    webhook: { url: 'env:OPS_HOOK', format: slack, signWith: 'file:ops.key', bearer: 'ssm:/ops/token', caFile: ca.pem }
    subject: '{{ severity }} {{ runbook }}'
  plain: { webhook: https://alerts.example.com/belay }
  dba:
    email: { server: smtp.example.com, from: belay@example.com, to: [dba@example.com], user: belay, password: 'env:SMTP' }
    events: [rolledBack, approvalWanted]
  topic: { sns: 'arn:aws:sns:eu-west-1:123456789012:alarms' }
  fifo: { sns: { topicArn: 'arn:aws:sns:eu-west-1:123456789012:alarms.fifo', group: patches } }
  pager: { command: [bin/page, --team, 7], onlyNamed: true }
  other: { command: { argv: [page], format: json, timeoutSeconds: 30 }, events: all }
`;

test('the four ways are read, with paths of the file and defaults', () => {
  const { channels = [], rendered } = read(whole);
  expect(rendered).toBe('');
  expect(channels.map(({ name, way }) => [name, way])).toEqual([
    [
      'ops',
      {
        kind: 'webhook',
        url: { kind: 'secret', value: 'env:OPS_HOOK' },
        format: 'slack',
        signWith: 'file:/project/ops.key',
        bearer: 'ssm:/ops/token',
        caFile: '/project/ca.pem',
      },
    ],
    [
      'plain',
      { kind: 'webhook', url: { kind: 'plain', value: 'https://alerts.example.com/belay' }, format: 'json' },
    ],
    [
      'dba',
      {
        kind: 'email',
        server: 'smtp.example.com',
        port: 587,
        security: 'starttls',
        from: 'belay@example.com',
        to: ['dba@example.com'],
        user: 'belay',
        password: 'env:SMTP',
      },
    ],
    ['topic', { kind: 'sns', topicArn: 'arn:aws:sns:eu-west-1:123456789012:alarms', group: 'belay' }],
    ['fifo', { kind: 'sns', topicArn: 'arn:aws:sns:eu-west-1:123456789012:alarms.fifo', group: 'patches' }],
    [
      'pager',
      { kind: 'command', argv: ['/project/bin/page', '--team', '7'], format: 'text', timeoutSeconds: 10 },
    ],
    ['other', { kind: 'command', argv: ['page'], format: 'json', timeoutSeconds: 30 }],
  ]);
  expect([...(channels[2]?.events ?? [])]).toEqual([
    'rolledBackClean',
    'rolledBackPartial',
    'rolledBackFailed',
    'approvalWanted',
  ]);
  expect(channels[6]?.events.size).toBeGreaterThan(10);
  expect(channels.map(({ isOnlyNamed }) => isOnlyNamed)).toEqual([
    false,
    false,
    false,
    false,
    false,
    true,
    false,
  ]);
});

test('the schema takes what is read', () => {
  expect(isFit(parse(whole.replace('--team, 7', '--team, ops'))), JSON.stringify(isFit.errors)).toBe(true);
});

test.each([
  ['ops: {}', 'CHANNEL_WAY', 'channel ops says no way to people', 'one of sns, webhook, email, command'],
  ['ops: https://x.example', 'CHANNEL_WAY', 'must be a map with one of', "ops: { sns: 'arn:aws"],
  ['ops: { sns: x, webhook: https://x.example }', 'CHANNEL_WAY', 'has sns and webhook', 'a channel of each'],
  ["'a b': { webhook: https://x.example }", 'CHANNEL_NAME', 'letters, digits', ''],
  ['ops: { webhok: https://x.example }', 'UNKNOWN_KEY', 'has no key webhok', 'Did you mean webhook?'],
  [
    'ops: { webhook: http://alerts.example.com/ }',
    'PLAIN_TRANSPORT',
    'unencrypted',
    'http is for this machine only',
  ],
  [
    'ops: { webhook: https://u:p@alerts.example.com/ }',
    'PLAIN_SECRET',
    'has a password in it',
    'by reference',
  ],
  [
    'ops: { webhook: ftp://alerts.example.com/ }',
    'BAD_ADDRESS',
    'not an address of a webhook',
    'https://hooks',
  ],
  [
    'ops: { webhook: { url: https://x.example, signWith: hunter2 } }',
    'WRONG_VALUE',
    'is a secret',
    'env:VAR',
  ],
  [
    'ops: { webhook: https://x.example, events: [runFaild] }',
    'UNKNOWN_EVENT',
    '"runFaild"',
    'Did you mean runFailed?',
  ],
  ['ops: { webhook: https://x.example, events: [] }', 'WRONG_TYPE', 'a list of events', ''],
  [
    "ops: { webhook: https://x.example, subject: 'on {{ host }}' }",
    'UNKNOWN_PLACE',
    '{{ host }}',
    'Did you mean hosts?',
  ],
  [
    "ops: { webhook: https://x.example, text: '{{ Step.Output }}' }",
    'UNKNOWN_PLACE',
    '{{ Step.Output }}',
    '',
  ],
  ['ops: { sns: alarms }', 'WRONG_TYPE', 'must be the ARN of an SNS topic', ''],
  [
    "ops: { sns: { topicArn: 'arn:aws:sns:eu-west-1:123456789012:a', group: x } }",
    'WRONG_TYPE',
    'only FIFO topics have groups',
    '',
  ],
  ['ops: { email: { server: s.example, from: a@b.example } }', 'MISSING_KEY', 'needs to', ''],
  [
    'ops: { email: { server: s.example, from: a@b.example, to: [nobody] } }',
    'BAD_ADDRESS',
    '"nobody", and that is not a mailbox',
    'ops@example.com',
  ],
  [
    'ops: { email: { server: s.example, from: a@b.example, to: "x@y.z, q@r.s" } }',
    'BAD_ADDRESS',
    'not a mailbox',
    '',
  ],
  [
    'ops: { email: { server: s.example, security: none, from: a@b.c, to: d@e.f } }',
    'PLAIN_TRANSPORT',
    's.example unencrypted',
    '',
  ],
  [
    'ops: { email: { server: s.example, from: a@b.c, to: d@e.f, user: x } }',
    'MISSING_KEY',
    'has user and no password',
    '',
  ],
  [
    'ops: { email: { server: s.example, from: a@b.c, to: d@e.f, user: x, password: hunter2 } }',
    'WRONG_VALUE',
    'is a secret',
    '',
  ],
  [
    'ops: { email: { server: s.example, port: 0, from: a@b.c, to: d@e.f } }',
    'WRONG_TYPE',
    'from 1 to 65535',
    '',
  ],
  ['ops: { command: page --team ops }', 'WRONG_TYPE', 'No shell reads them', ''],
  ['ops: { command: [] }', 'WRONG_TYPE', 'a list of words', ''],
  ['ops: { command: { argv: [page], timeoutSeconds: 600 } }', 'WRONG_TYPE', 'from 1 to 60', ''],
])('%s is refused where it stands', (channel, code, says, hint) => {
  const { channels, rendered } = read(`notify:\n  ${channel}\n`);
  expect(channels).toBeUndefined();
  expect(rendered).toMatch(/^belay\.yaml:2:\d+ {2}/);
  expect(rendered).toContain(code);
  expect(rendered).toContain(says);
  expect(rendered).toContain(hint);
  // A line that may hold a secret is not quoted.
  expect(rendered).not.toContain('hunter2');
});

test('the caret stands below the place in a template', () => {
  const { rendered } = read(`notify:\n  ops: { webhook: https://x.example, subject: 'on {{ host }}' }\n`);
  const [, , line = '', caret = ''] = rendered.split('\n');
  expect(caret.indexOf('^')).toBe(line.indexOf('{{ host'));
});

test('the examples of docs/notify.md are right', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'notify.md'), 'utf8');
  const blocks = Array.from(page.matchAll(/^```yaml\n(notify:\n[\s\S]*?)^```/gm), ([, text = '']) => text);
  expect(blocks.length).toBeGreaterThan(1);
  for (const text of blocks) {
    const { channels, rendered } = read(text);
    expect(rendered).toBe('');
    expect(channels?.length).toBeGreaterThan(0);
    expect(isFit(parse(text)), JSON.stringify(isFit.errors)).toBe(true);
  }
});

test('every event and every name of a template stands in docs/notify.md', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'notify.md'), 'utf8');
  for (const name of [...eventNames, ...fieldNames]) expect(page).toContain(`\`${name}\``);
});
