/** Windows of AWS as files: the same instants, order and limits, and nothing is lost without a word. */
import { describe, expect, test } from 'vitest';
import { findZone, nextDue } from '../../src/schedule/index.ts';
import {
  parseWindow,
  scheduleOf,
  windowFromAws,
  type AwsTask,
  type AwsWindow,
} from '../../src/windows/index.ts';

const window: AwsWindow = {
  id: 'mw-0123456789abcdef0',
  name: 'patch-night',
  schedule: 'cron(0 2 ? * SUN#3 *)',
  timezone: 'Europe/Berlin',
  durationHours: 4,
  cutoffHours: 1,
  isEnabled: true,
  createdAt: '2026-01-05T10:07:03.123Z',
};
const task: AwsTask = {
  id: '11111111-aaaa-bbbb-cccc-222222222222',
  name: 'patch',
  type: 'AUTOMATION',
  arn: 'Team-Patch',
  priority: 1,
  targets: [[{ key: 'InstanceIds', values: ['i-0123456789abcdef0'] }]],
  parameters: { Host: ['{{ TARGET_ID }}'], Packages: ['openssl', 'libssl3'] },
  hasAlarm: false,
};
const read = (text: string) => {
  const parsed = parseWindow({ file: 'w.yaml', text });
  if (parsed.window === undefined) throw new Error(JSON.stringify(parsed.diagnostics));
  return parsed.window;
};

test('an automation keeps its parameters, one text where AWS has a list of one, and AWS’s own cut-off', () => {
  const { text, runbooks, left } = windowFromAws(window, [
    {
      ...task,
      targets: [[{ key: 'InstanceIds', values: ['i-0123456789abcdef0'] }]],
      maxConcurrency: '10%',
      maxErrors: '2',
    },
  ]);
  expect(left).toEqual([]);
  expect(runbooks).toEqual([{ kind: 'document', file: 'imported/Team-Patch.yaml', name: 'Team-Patch' }]);
  expect(read(text)).toMatchObject({
    name: 'patch-night',
    timezone: 'Europe/Berlin',
    durationHours: 4,
    cutoffHours: 1,
    tasks: [
      {
        runbook: 'imported/Team-Patch.yaml',
        parameters: { Host: '{{ TARGET_ID }}', Packages: ['openssl', 'libssl3'] },
        targets: ['i-0123456789abcdef0'],
        maxConcurrency: { kind: 'percent', percent: 10 },
        maxErrors: { kind: 'count', count: 2 },
        cutoffBehavior: 'CONTINUE_TASK',
      },
    ],
  });
});

test('without targets AWS keeps placeholders for the shares, and they are no shares', () => {
  const { text } = windowFromAws(window, [
    { ...task, targets: [], parameters: {}, maxConcurrency: '1', maxErrors: '1' },
  ]);
  expect(text).not.toMatch(/MaxConcurrency|MaxErrors/);
  expect(read(text).tasks).toMatchObject([{ targets: [] }]);
});

test('a rate without a StartDate counts from when the window was made, as in AWS', () => {
  const { text } = windowFromAws({ ...window, schedule: 'rate(7 days)' }, [task]);
  const zone = findZone('Europe/Berlin');
  if (zone === undefined) throw new Error('no zone');
  const due = nextDue(scheduleOf(read(text), zone, Date.now()), Date.parse('2026-01-06T00:00:00Z'));
  expect(new Date(due ?? 0).toISOString()).toBe('2026-01-12T10:07:03.000Z');
});

test('a command becomes a runbook of its own, which AWS runs on each managed node', () => {
  const { text, runbooks } = windowFromAws(window, [
    {
      ...task,
      type: 'RUN_COMMAND',
      arn: 'AWS-RunShellScript',
      parameters: { commands: ['uptime'] },
      targets: [[{ key: 'tag:Role', values: ['web', 'db'] }]],
    },
  ]);
  const [made] = runbooks;
  expect(made).toMatchObject({ kind: 'made', file: 'imported/patch-night-patch.yaml' });
  expect(made?.kind === 'made' && made.text).toContain('DocumentName: AWS-RunShellScript');
  expect(read(text).tasks[0]).toMatchObject({
    targets: ['tag:Role=web', 'tag:Role=db'],
    parameters: { InstanceId: '{{ TARGET_ID }}' },
  });
});

describe('what cannot be run here is kept as comments and named', () => {
  test.for([
    ['a Lambda function', { type: 'LAMBDA' }, /only AUTOMATION and RUN_COMMAND/],
    ['an alarm', { hasAlarm: true }, /alarm/],
    [
      'a resource group',
      { targets: [[{ key: 'resource-groups:Name', values: ['g'] }]] },
      /resource-groups:Name/,
    ],
    [
      'tags that hold together',
      {
        targets: [
          [
            { key: 'tag:A', values: ['1'] },
            { key: 'tag:B', values: ['2'] },
          ],
        ],
      },
      /tag:A and tag:B/,
    ],
  ] as const)('%s', ([, change, why]) => {
    const { text, left } = windowFromAws(window, [
      { ...task, priority: 2 },
      { ...task, ...change, name: 'odd\nName: x' },
    ]);
    expect(left).toEqual([{ task: expect.stringContaining('odd'), why: expect.stringMatching(why) }]);
    expect(text).toContain('# Not imported: task odd');
    expect(text).toContain('11111111-aaaa-bbbb-cccc-222222222222');
    expect(read(text)).toMatchObject({ name: 'patch-night', tasks: [{ name: 'patch' }] });
  });
});
