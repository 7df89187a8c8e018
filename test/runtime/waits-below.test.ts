/** People name the root: who waits below it is reached from there, is shown there, and what happens below is told there. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listLines } from '../../src/cli/view/list-lines.ts';
import { leftWaitingLines } from '../../src/cli/view/left-waiting.ts';
import { makeStyle } from '../../src/cli/view/style.ts';
import type { RecordedEvent } from '../../src/engine/index.ts';
import type { Belay } from '../../src/runtime/belay.ts';
import { toldFromAbove } from '../../src/runtime/below.ts';
import { localBelay } from '../support/local-belay.ts';

let dir: string;
let belay: Belay;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'belay-below-'));
  write('belay.yaml', 'hosts: { here: { transport: local } }\n');
  write(
    'child.yaml',
    `schemaVersion: '0.3'
parameters: { Name: { type: String } }
mainSteps:
  - { name: Write, action: 'host:file', inputs: { Host: here, Path: '${dir}/{{ Name }}', Content: after } }
  - { name: Ask, action: 'aws:approve', inputs: { Approvers: ['${userInfo().username}'], Message: 'on {{ Name }}?' } }
`,
  );
  belay = localBelay(dir);
});
afterEach(() => {
  belay.close();
  rmSync(dir, { recursive: true });
});

function write(name: string, text: string): string {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
}

async function left(text: string): Promise<{ id: string; told: RecordedEvent[] }> {
  const file = write(
    'parent.yaml',
    `schemaVersion: '0.3'\nrollback: { when: onFailure }\nmainSteps:\n${text}`,
  );
  const { id } = await belay.start({ file, texts: {}, values: {}, secrets: {}, sandbox: false });
  const told: RecordedEvent[] = [];
  await belay.run(id, {
    onWait: 'leave',
    onBelow: (event) => told.push(...[toldFromAbove(event)].filter((each) => each !== undefined)),
  });
  return { id, told };
}

const yes = { decision: 'approve', comment: '' } as const;
const fleet = (...names: readonly string[]): string =>
  `  - { name: Fleet, action: 'aws:executeAutomation', inputs: { DocumentName: child, MaxConcurrency: '5', Targets: [{ Key: ParameterValues, Values: [${names.join(', ')}] }], TargetParameterName: Name } }\n`;

test('the only approval that waits below is reached by the id of the root', async () => {
  const { id } = await left(
    `  - { name: Call, action: 'aws:executeAutomation', inputs: { DocumentName: child, RuntimeParameters: { Name: a } } }\n`,
  );
  const [child] = await belay.children(id);
  const { view, step } = await belay.decide(id, undefined, yes);
  expect([view.executionId, step]).toEqual([child?.executionId, 'Call/Ask']);
  expect(await belay.run(id, { onWait: 'leave' })).toMatchObject({
    kind: 'ended',
    result: { status: 'Success' },
  });
});

test('an execution that was left because one below it waits is told as waiting, by list and by show', async () => {
  const { id } = await left(fleet('a'));
  const [listed] = await belay.list();
  expect([listed?.executionId, listed?.status, (await belay.view(id)).status]).toEqual([
    id,
    'Waiting',
    'Waiting',
  ]);
  expect((await belay.listBelow(id)).map(({ status, at }) => [status, at])).toEqual([['Waiting', 'Ask']]);
});

test('of several the person is asked for one, and each is reached by its path from the root', async () => {
  const { id } = await left(fleet('a', 'b'));
  await expect(belay.decide(id, undefined, yes)).rejects.toMatchObject({
    code: 'AMBIGUOUS_STEP',
    hint: 'name one of them: --step Fleet@a/Ask, --step Fleet@b/Ask',
  });
  await expect(belay.decide(id, 'Elsewhere', yes)).rejects.toMatchObject({
    code: 'NOT_WAITING',
    message: `${id} waits at Fleet@a/Ask, Fleet@b/Ask, not at Elsewhere`,
  });
  expect((await belay.decide(id, 'Fleet@b/Ask', yes)).view.child?.target).toBe('b');
  expect((await belay.decide(id, 'Fleet@a/Ask', { ...yes, decision: 'reject' })).view.child?.target).toBe(
    'a',
  );
  await belay.run(id, { onWait: 'leave' });
  const children = await belay.children(id);
  expect(children.map(({ status, child }) => [child?.target, status])).toEqual([
    ['a', 'Failed'],
    ['b', 'Success'],
  ]);
});

test('a path that fits one wait whole is meant, although it is the end of another', async () => {
  const { id } = await left(
    `  - name: Ask
    action: aws:executeAutomation
    inputs: { DocumentName: child, RuntimeParameters: { Name: a } }\n`,
  );
  const [child] = await belay.children(id);
  expect((await belay.decide(child?.executionId ?? '', 'Ask', yes)).step).toBe('Ask');
});

test('who leaves it is told each wait below, with the command that answers it from the root', async () => {
  const { id } = await left(fleet('a', 'b'));
  const lines = leftWaitingLines(
    await belay.view(id),
    makeStyle({ color: false, unicode: true }),
    await belay.waits(id),
  );
  expect(lines[0]).toBe('Waiting at 2 steps');
  expect(lines[1]).toContain('Fleet@a/Ask: on a?');
  expect(lines[2]).toContain(`belay approve ${id} --step Fleet@a/Ask `);
  expect(lines.at(-1)).toBe(`  and then  belay resume ${id}`);
});

test('what was answered below is told there, and it is the root that is resumed', async () => {
  const { id } = await left(fleet('a', 'b'));
  const style = makeStyle({ color: false, unicode: true });
  const told = async () => leftWaitingLines(await belay.view(id), style, await belay.waits(id));
  await belay.decide(id, 'Fleet@a/Ask', yes);
  const [first, path, answer] = await told();
  expect([first, path]).toEqual(['Waiting at 2 steps', '  Fleet@a/Ask: answered']);
  expect(answer).toMatch(/^ {4}.+ approved, /);
  expect((await told()).at(-1)).toBe(`  and then  belay resume ${id}`);
  await belay.decide(id, 'Fleet@b/Ask', yes);
  expect((await told())[0]).toBe('Answered at 2 steps');
  expect((await told()).at(-1)).toBe(`  it goes on with  belay resume ${id}`);
  const below = await belay.listBelow(id);
  const resumes = listLines(below, Date.now(), style)
    .slice(1)
    .map((line) => line.split(': ').at(-1));
  expect(resumes).toEqual([`belay resume ${id}`, `belay resume ${id}`]);
});

test('what happens below is told as it happens, by paths from the root', async () => {
  const { id, told } = await left(fleet('a'));
  await belay.decide(id, undefined, yes);
  await belay.run(id, {
    onWait: 'leave',
    onBelow: (event) => told.push(...[toldFromAbove(event)].filter((each) => each !== undefined)),
  });
  expect(told.flatMap(({ event }) => ('step' in event ? [`${event.type} ${event.step}`] : []))).toEqual([
    'StepStarted Fleet@a/Write',
    'StepEnded Fleet@a/Write',
    'StepStarted Fleet@a/Ask',
    'StepWaiting Fleet@a/Ask',
    'StepEnded Fleet@a/Ask',
  ]);
});

test('a child that asks whether to climb down is answered by its own id', async () => {
  write(
    'asking.yaml',
    `schemaVersion: '0.3'
rollback: { when: ask }
mainSteps:
  - { name: Write, action: 'host:file', inputs: { Host: here, Path: '${dir}/x', Content: after } }
  - { name: Fail, action: 'host:command', inputs: { Host: here, Script: 'exit 1' }, undo: { none: it only fails } }
`,
  );
  const { id } = await left(
    `  - { name: Call, action: 'aws:executeAutomation', inputs: { DocumentName: asking } }\n`,
  );
  const [wait, ...others] = await belay.waits(id);
  expect([wait?.waiting.kind, wait?.view.child?.step, others]).toEqual(['rollbackDecision', 'Call', []]);
  await belay.requestRollback(wait?.view.executionId ?? '', { force: false });
  await belay.run(id, { onWait: 'leave' });
  expect((await belay.children(id))[0]).toMatchObject({ status: 'Failed', rollbackStatus: 'clean' });
});
