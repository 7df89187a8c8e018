/** aws:executeAutomation of runbooks that lie beside the caller: real executions on this machine as a host, a real journal. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Belay } from '../../src/runtime/belay.ts';
import { localBelay } from '../support/local-belay.ts';

let dir: string;
let belay: Belay;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'belay-child-'));
  writeFileSync(join(dir, 'belay.yaml'), 'hosts: { here: { transport: local } }\n');
  belay = localBelay(dir);
});
afterEach(() => {
  belay.close();
  rmSync(dir, { recursive: true });
});

function write(name: string, text: string): string {
  const file = join(dir, name);
  writeFileSync(file, text);
  return file;
}

interface RunbookText {
  readonly steps: readonly string[];
  readonly parameters?: string;
  readonly outputs?: string;
  readonly rollback?: string;
}

function runbook(name: string, { steps, parameters, outputs, rollback = 'onFailure' }: RunbookText): string {
  return write(
    name,
    [
      "schemaVersion: '0.3'",
      `rollback: { when: ${rollback} }`,
      ...(parameters === undefined ? [] : [`parameters: ${parameters}`]),
      ...(outputs === undefined ? [] : [`outputs: ${outputs}`]),
      'mainSteps:',
      ...steps.map((step) => `  - ${step}`),
      '',
    ].join('\n'),
  );
}

const file = (name: string, path: string, content = 'after') =>
  `{ name: ${name}, action: 'host:file', inputs: { Host: here, Path: '${path}', Content: '${content}' } }`;
const fail = `{ name: Fail, action: 'host:command', inputs: { Host: here, Script: 'exit 1' }, undo: { none: it only fails } }`;
const call = (name: string, document: string, parameters = '{}', more = '') =>
  `{ name: ${name}, action: 'aws:executeAutomation', inputs: { DocumentName: '${document}', RuntimeParameters: ${parameters} }${more} }`;

async function start(path: string, values: Record<string, string> = {}): Promise<string> {
  const { id } = await belay.start({ file: path, texts: values, values: {}, secrets: {}, sandbox: false });
  return id;
}

async function run(path: string) {
  const id = await start(path);
  const ending = await belay.run(id, { onWait: 'leave' });
  const view = await belay.view(id);
  return {
    id,
    ending,
    view,
    find: (name: string) => view.steps.find((step) => step.name === name),
    children: await belay.children(id),
    undone: view.rollback.map(({ name, result }) => `${name} ${result}`),
  };
}

const at = (name: string): string => join(dir, name);
const content = (name: string): string | null =>
  existsSync(at(name)) ? readFileSync(at(name), 'utf8') : null;

test('a runbook beside the caller runs as an execution below it, and gives its outputs in their declared order', async () => {
  runbook('child.yaml', {
    parameters: '{ Name: { type: String } }',
    outputs: '[Second.ExitCode, First.Stdout, Never.Stdout]',
    steps: [
      `{ name: First, action: 'host:command', inputs: { Host: here, Script: 'printf hello' }, undo: { none: it only speaks } }`,
      `{ name: Second, action: 'host:command', inputs: { Host: here, Script: 'exit 0' }, undo: { none: it only speaks }, isEnd: true }`,
      `{ name: Never, action: 'host:command', inputs: { Host: here, Script: 'exit 0' }, undo: { none: it only speaks } }`,
    ],
  });
  const ran = await run(
    runbook('parent.yaml', { outputs: '[Call.Output]', steps: [call('Call', 'child', '{ Name: x }')] }),
  );
  expect(ran.find('Call')?.failure).toBeNull();
  expect(ran.view.status).toBe('Success');
  const [child] = ran.children;
  expect(ran.find('Call')?.outputs).toEqual({
    Output: ['0', 'hello', 'No output available yet because the step is not successfully executed'],
    ExecutionId: child?.executionId,
    Status: 'Success',
  });
  expect(child?.child).toMatchObject({ parent: ran.id, step: 'Call' });
});

test('values fit the parameters of the child as they would over the API of the service', async () => {
  runbook('child.yaml', {
    parameters:
      '{ Text: { type: String }, One: { type: String }, List: { type: StringList }, Count: { type: Integer }, Id: { type: String, default: "{{ automation:EXECUTION_ID }}" } }',
    steps: ["{ name: Wait, action: 'aws:sleep', inputs: { Duration: PT0S } }"],
  });
  const ran = await run(
    runbook('parent.yaml', {
      steps: [call('Call', 'child.yaml', "{ Text: 7, One: [x], List: a, Count: '3' }")],
    }),
  );
  const [child] = ran.children;
  expect(child?.parameters).toEqual({ Text: '7', One: 'x', List: ['a'], Count: 3, Id: child?.executionId });
});

test('runbooks/ beside the caller is looked in too', async () => {
  mkdirSync(at('runbooks'));
  runbook('runbooks/child.yml', { steps: [file('Write', at('a'))] });
  const ran = await run(runbook('parent.yaml', { steps: [call('Call', 'child')] }));
  expect(ran.view.status).toBe('Success');
  expect(content('a')).toBe('after');
  expect(ran.find('Call')?.changes).toMatchObject([{ target: 'here' }]);
});

/** A name that nobody knows before the run: otherwise nothing is started at all (child-problems.test.ts). */
const said = (name: string): string =>
  `{ name: Say, action: 'host:command', inputs: { Host: here, Script: 'printf ${name}' }, undo: { none: it only speaks } }`;

test.each([
  ['a name that nobody has', 'gone.yaml', '{}', 'UNKNOWN_RUNBOOK', 'there is no runbook gone.yaml in '],
  [
    'a parameter that it does not have',
    'child',
    '{ Nmae: x, Name: x }',
    'UNKNOWN_PARAMETER',
    'has no parameter Nmae',
  ],
  ['a parameter that is missing', 'child', '{}', 'MISSING_PARAMETER', 'Name'],
  ['a value of another type', 'child', '{ Name: [a, b] }', 'WRONG_TYPE', 'is a list'],
  ['a runbook that is not right', 'broken', '{}', 'BAD_DOCUMENT', 'UNKNOWN_ACTION'],
])('%s fails the step before anything is started', async (_what, document, parameters, code, message) => {
  runbook('child.yaml', { parameters: '{ Name: { type: String } }', steps: [file('Write', at('a'))] });
  runbook('broken.yaml', { steps: ['{ name: A, action: nobody:knows }'] });
  const steps = [said(document), call('Call', '{{ Say.Stdout }}', parameters)];
  const ran = await run(runbook('parent.yaml', { steps }));
  expect(ran.find('Call')?.failure?.code).toBe(code);
  expect(ran.find('Call')?.failure?.message).toContain(message);
  expect(ran.children).toEqual([]);
});

test('a runbook that comes to itself again is refused with the chain named', async () => {
  runbook('b.yaml', { steps: [said('a.yaml'), call('Back', '{{ Say.Stdout }}')] });
  const ran = await run(runbook('a.yaml', { steps: [call('Call', 'b')] }));
  expect(ran.find('Call')?.failure).toMatchObject({ code: 'RECURSION' });
  expect(ran.find('Call')?.failure?.message).toContain(
    'a runbook cannot run itself: a.yaml → b.yaml → a.yaml',
  );
});

test('a rollback of the parent has its children climb down, newest first', async () => {
  for (const name of ['x', 'y']) write(name, 'before');
  runbook('child.yaml', {
    parameters: '{ Path: { type: String } }',
    rollback: 'never',
    steps: [
      `{ name: Write, action: 'host:file', inputs: { Host: here, Path: '{{ Path }}', Content: after } }`,
    ],
  });
  const ran = await run(
    runbook('parent.yaml', {
      steps: [
        call('X', 'child', `{ Path: '${at('x')}' }`),
        call('Y', 'child', `{ Path: '${at('y')}' }`),
        fail,
      ],
    }),
  );
  expect(ran.view).toMatchObject({ status: 'Failed', rollbackStatus: 'clean' });
  expect(ran.undone).toEqual(['Fail nothingToDo', 'Y undone', 'X undone']);
  expect([content('x'), content('y')]).toEqual(['before', 'before']);
  expect(ran.children.map(({ rollbackStatus }) => rollbackStatus)).toEqual(['clean', 'clean']);
});

test('a child that fails has climbed down by itself, and the step says where it failed', async () => {
  write('x', 'before');
  runbook('child.yaml', { steps: [file('Write', at('x')), fail] });
  const ran = await run(runbook('parent.yaml', { steps: [call('Call', 'child')] }));
  expect(ran.find('Call')?.failure?.message).toMatch(/^child \(\S+\) failed at Fail: /);
  expect(ran.view).toMatchObject({ status: 'Failed', rollbackStatus: 'notRequested' });
  expect(content('x')).toBe('before');
});

test('a child in a child in a loop is undone as a whole, and what was undone is not done again', async () => {
  runbook('inner.yaml', {
    parameters: '{ Path: { type: String } }',
    steps: [
      `{ name: Write, action: 'host:file', inputs: { Host: here, Path: '{{ Path }}', Content: after } }`,
    ],
  });
  runbook('outer.yaml', {
    parameters: '{ Path: { type: String } }',
    steps: [call('Inner', 'inner', `{ Path: '{{ Path }}' }`)],
  });
  const loop = `{ name: Each, action: 'aws:loop', inputs: { Iterators: [a, b], Steps: [${call('Outer', 'outer', `{ Path: '${dir}/{{ Each.CurrentIteratorValue }}' }`)}] } }`;
  const ran = await run(runbook('parent.yaml', { steps: [loop, fail] }));
  expect(ran.undone).toEqual(['Fail nothingToDo', 'Each@2/Outer undone', 'Each@1/Outer undone']);
  expect([content('a'), content('b')]).toEqual([null, null]);
});

test('belay rollback of a parent that ended well reaches its children', async () => {
  write('x', 'before');
  runbook('child.yaml', { steps: [file('Write', at('x'))] });
  const ran = await run(runbook('parent.yaml', { steps: [call('Call', 'child')] }));
  expect(ran.view.status).toBe('Success');
  await belay.requestRollback(ran.id, { force: false });
  await belay.run(ran.id, { onWait: 'leave' });
  expect((await belay.view(ran.id)).rollbackStatus).toBe('clean');
  expect(content('x')).toBe('before');
});

test('the time limit of the step cancels the child, which climbs down', async () => {
  write('x', 'before');
  runbook('child.yaml', {
    steps: [file('Write', at('x')), "{ name: Wait, action: 'aws:sleep', inputs: { Duration: PT60S } }"],
  });
  const ran = await run(
    runbook('parent.yaml', { steps: [call('Call', 'child', '{}', ', timeoutSeconds: 2')] }),
  );
  expect(ran.view.status).toBe('TimedOut');
  expect(ran.find('Call')).toMatchObject({ status: 'TimedOut', outputs: { Status: 'TimedOut' } });
  expect(content('x')).toBe('before');
});

test('a cancel while a child waits for an approval ends both, and both climb down', async () => {
  write('x', 'before');
  runbook('child.yaml', {
    steps: [file('Write', at('x')), "{ name: Ask, action: 'aws:approve', inputs: { Approvers: [root] } }"],
  });
  const id = await start(runbook('parent.yaml', { steps: [file('First', at('y')), call('Call', 'child')] }));
  await belay.run(id, { onWait: 'leave' });
  expect(content('x')).toBe('after');
  await belay.cancel(id);
  await belay.run(id, { onWait: 'leave' });
  expect(await belay.view(id)).toMatchObject({ status: 'Cancelled', rollbackStatus: 'clean' });
  expect([content('x'), content('y')]).toEqual(['before', null]);
});

const over = (more: string, parameters = '{}') =>
  `{ name: All, action: 'aws:executeAutomation', inputs: { DocumentName: child, RuntimeParameters: ${parameters}, ${more} } }`;
const list = (...values: readonly string[]) =>
  `Targets: [{ Key: ParameterValues, Values: [${values.join(', ')}] }], TargetParameterName: Name`;

/** Writes the file that it is given, unless its name begins with `bad`. */
function childOfTarget(): void {
  runbook('child.yaml', {
    parameters: '{ Name: { type: String }, Suffix: { type: String, default: "" } }',
    steps: [
      `{ name: Write, action: 'host:file', inputs: { Host: here, Path: '${dir}/{{ Name }}{{ Suffix }}', Content: after } }`,
      `{ name: IsBad, action: 'aws:branch', isEnd: true, inputs: { Choices: [{ NextStep: Fail, Variable: '{{ Name }}', StartsWith: bad }] } }`,
      fail,
    ],
  });
}

test('one child runs for each target, with the target in its parameter and all others unchanged', async () => {
  childOfTarget();
  const ran = await run(runbook('parent.yaml', { steps: [over(list('a', 'b', 'c'), '{ Suffix: .txt }')] }));
  expect(ran.view.status).toBe('Success');
  expect(['a.txt', 'b.txt', 'c.txt'].map(content)).toEqual(['after', 'after', 'after']);
  expect(ran.children.map(({ child }) => child?.target ?? '').toSorted()).toEqual(['a', 'b', 'c']);
  expect(ran.find('All')?.outputs).toMatchObject({ Status: 'Success', Failed: [], NotStarted: [] });
});

test('each map of TargetMaps is a child', async () => {
  childOfTarget();
  const ran = await run(
    runbook('parent.yaml', { steps: [over('TargetMaps: [{ Name: [a] }, { Name: b, Suffix: .txt }]')] }),
  );
  expect(ran.view.status).toBe('Success');
  expect([content('a'), content('b.txt')]).toEqual(['after', 'after']);
});

test('no further target is begun once more than MaxErrors have failed, and those that came through are undone', async () => {
  childOfTarget();
  const ran = await run(
    runbook('parent.yaml', {
      steps: [over(`${list('a', 'bad1', 'b', 'bad2', 'c')}, MaxConcurrency: 1, MaxErrors: 1`)],
    }),
  );
  expect(ran.view).toMatchObject({ status: 'Failed', rollbackStatus: 'clean' });
  expect(ran.find('All')?.outputs).toMatchObject({
    Status: 'Failed',
    Succeeded: ['a', 'b'],
    Failed: ['bad1', 'bad2'],
    NotStarted: ['c'],
  });
  expect(ran.find('All')?.failure?.message).toContain(
    'All stopped after more than 1 of its targets had failed',
  );
  expect(['a', 'b', 'c', 'bad1', 'bad2'].map(content)).toEqual([null, null, null, null, null]);
});

test('as many failures as MaxErrors allows end well, and the share is of the targets that were found', async () => {
  childOfTarget();
  const ran = await run(
    runbook('parent.yaml', {
      steps: [over(`${list('bad1', 'a', 'b')}, MaxConcurrency: '50%', MaxErrors: '34%'`)],
    }),
  );
  expect(ran.view.status).toBe('Success');
  expect(ran.find('All')?.outputs).toMatchObject({ Failed: ['bad1'], Succeeded: ['a', 'b'] });
});

test('a tag means hosts of the inventory, and a tag that nothing has fails the step', async () => {
  write(
    'belay.yaml',
    'hosts:\n  here: { transport: local, tags: { Role: db } }\n  there: { transport: local, tags: { Role: web } }\n',
  );
  childOfTarget();
  const tag = (value: string) =>
    `Targets: [{ Key: 'tag:Role', Values: [${value}] }], TargetParameterName: Name`;
  const ran = await run(runbook('parent.yaml', { steps: [over(tag('db, web'))] }));
  expect(ran.find('All')?.outputs).toMatchObject({ Targets: ['here', 'there'], Status: 'Success' });
});

test('a cancel reaches the targets that are under way, and begins no others', async () => {
  runbook('child.yaml', {
    parameters: '{ Name: { type: String } }',
    steps: [
      `{ name: Write, action: 'host:file', inputs: { Host: here, Path: '${dir}/{{ Name }}', Content: after } }`,
      "{ name: Ask, action: 'aws:approve', inputs: { Approvers: [root] } }",
    ],
  });
  const id = await start(
    runbook('parent.yaml', { steps: [over(`${list('a', 'b', 'c')}, MaxConcurrency: 2`)] }),
  );
  await belay.run(id, { onWait: 'leave' });
  expect(await belay.children(id)).toHaveLength(2);
  await belay.cancel(id);
  await belay.run(id, { onWait: 'leave' });
  expect((await belay.view(id)).status).toBe('Cancelled');
  expect((await belay.children(id)).map(({ status }) => status)).toEqual(['Cancelled', 'Cancelled']);
  expect(['a', 'b', 'c'].map(content)).toEqual([null, null, null]);
});
