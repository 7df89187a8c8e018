/** Windows of AWS as files: the same instants, order and limits, and nothing is lost without a word. */
import { describe, expect, test } from 'vitest';
import { createCatalog } from '../../src/actions/index.ts';
import { checkDocument } from '../../src/document/index.ts';
import { offlineModels } from '../../src/runtime/offline-models.ts';
import { findZone, nextDue } from '../../src/schedule/index.ts';
import {
  parseWindow,
  scheduleOf,
  windowFromAws as fromAws,
  type AwsDocument,
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
  asTold: { WindowTaskId: '11111111-aaaa-bbbb-cccc-222222222222', Payload: 'kept as it is' },
};
const windowFromAws = (from: AwsWindow, tasks: readonly AwsTask[], document?: AwsDocument) =>
  fromAws(from, tasks, new Map(document === undefined ? [] : tasks.map(({ id }) => [id, document])));
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

test('a parameter that takes a list keeps one, also where it has one text', () => {
  const one = { ...task, parameters: { Packages: ['openssl'], Host: ['db1'] } };
  const { text } = windowFromAws(window, [one], { kind: 'document', lists: new Set(['Packages']) });
  expect(read(text).tasks[0]?.parameters).toEqual({ Packages: ['openssl'], Host: 'db1' });
});

test('registrations of one instance each run one after the other, as in AWS; larger ones are told', () => {
  const of = (...ids: string[]) => [{ key: 'InstanceIds', values: ids }];
  const several = { ...task, maxConcurrency: '5' };
  const each = windowFromAws(window, [
    { ...several, targets: [of('i-0123456789abcdef0'), of('i-0123456789abcdef1')] },
  ]);
  expect(read(each.text).tasks[0]?.maxConcurrency).toEqual({ kind: 'count', count: 1 });
  expect(each.told).toEqual([]);
  const many = windowFromAws(window, [
    { ...several, targets: [of('i-0123456789abcdef0', 'i-0123456789abcdef1'), of('i-0123456789abcdef2')] },
  ]);
  expect(read(many.text).tasks[0]?.maxConcurrency).toEqual({ kind: 'count', count: 5 });
  expect(many.told).toEqual([expect.stringContaining('one after the other')]);
});

test('a date without an offset is one of UTC', () => {
  const { text } = windowFromAws({ ...window, startDate: '2026-12-01T00:00:00', endDate: '2027-12-01' }, [
    task,
  ]);
  expect(read(text)).toMatchObject({
    startAt: Date.parse('2026-12-01T00:00:00Z'),
    endAt: Date.parse('2027-12-01T00:00:00Z'),
  });
});

test('whom AWS runs a task as is told', () => {
  const { told } = windowFromAws(window, [{ ...task, roleArn: 'arn:aws:iam::123456789012:role/Patcher' }]);
  expect(told).toEqual([expect.stringContaining('arn:aws:iam::123456789012:role/Patcher')]);
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

test('what a window gives to a command comes to it, and so does what else it is sent with', () => {
  const { text, runbooks, left } = windowFromAws(window, [
    {
      ...task,
      type: 'RUN_COMMAND',
      arn: 'AWS-RunPatchBaseline',
      parameters: {
        SnapshotId: ['{{WINDOW_EXECUTION_ID}}'],
        Operation: ['Install {{ .Names }}'],
      },
      command: { Comment: 'monthly', TimeoutSeconds: 600, OutputS3BucketName: 'logs' },
    },
  ]);
  expect(left).toEqual([]);
  expect(read(text).tasks[0]?.parameters).toEqual({
    InstanceId: '{{ TARGET_ID }}',
    WINDOW_EXECUTION_ID: '{{ WINDOW_EXECUTION_ID }}',
  });
  const [made] = runbooks;
  const { document, diagnostics } = checkDocument(
    { file: 'made.yaml', text: made?.kind === 'made' ? made.text : '' },
    createCatalog(offlineModels()),
  );
  expect(diagnostics).toEqual([]);
  expect(document?.mainSteps[0]?.inputs).toMatchObject({
    Comment: 'monthly',
    TimeoutSeconds: 600,
    OutputS3BucketName: 'logs',
    Parameters: { SnapshotId: ['{{WINDOW_EXECUTION_ID}}'], Operation: ['Install {{ .Names }}'] },
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
    ['what no window gives', { parameters: { P: ['{{ TARGETID }}'] } }, /\{\{ TARGETID \}\}/],
    ['a target that is not there', { targets: [], parameters: { P: ['{{ TARGET_ID }}'] } }, /needs targets/],
    ['a command without targets', { type: 'RUN_COMMAND', targets: [] }, /no targets/],
  ] as const)('%s', ([, change, why]) => {
    const { text, left } = windowFromAws(window, [
      { ...task, priority: 2 },
      { ...task, ...change, name: 'odd\nName: x' },
    ]);
    expect(left).toEqual([{ task: expect.stringContaining('odd'), why: expect.stringMatching(why) }]);
    expect(text).toContain('# Not imported: task odd');
    expect(text).toContain('11111111-aaaa-bbbb-cccc-222222222222');
    expect(text).toContain('kept as it is');
    expect(read(text)).toMatchObject({ name: 'patch-night', tasks: [{ name: 'patch' }] });
  });
});

test('a task whose document cannot be read is kept, and the others are imported', () => {
  const gone = { ...task, id: 'gone', name: 'gone' };
  const { text, left } = fromAws(
    window,
    [task, gone],
    new Map([['gone', { kind: 'unread', why: 'its document Team-Gone cannot be read' }]]),
  );
  expect(left).toEqual([{ task: 'task gone (AUTOMATION)', why: 'its document Team-Gone cannot be read' }]);
  expect(read(text).tasks.map(({ name }) => name)).toEqual(['patch']);
});
