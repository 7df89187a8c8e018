/** A yes beforehand: what it holds for, and how far below a task it reaches. */
import { appendFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Project, until } from './project.ts';

const caseMs = 150_000;
const second = (ms: number): number => Math.floor(ms / 1_000) * 1_000;
const me = userInfo().username;
const approval = `Approval: { Approvers: [${me}] }\n`;

let project: Project;
beforeEach(() => (project = new Project()));
afterEach(() => project[Symbol.dispose]());

const status = (name: string): string | undefined => project.history(name)[0]?.status;
const count = (line: string): string =>
  `{ name: ${line}, action: 'host:command', inputs: { Host: here, Command: [sh, -c, 'echo ${line} >>${project.out}'] }, undo: { none: it only counts } }`;
const runbook = (name: string, steps: readonly string[], top = ''): string =>
  project.files.write(
    name,
    `schemaVersion: '0.3'\ntimeoutSeconds: 300\nrollback: { when: onFailure, timeoutSeconds: 60 }\n${top}mainSteps:\n${steps.map((step) => `  - ${step}\n`).join('')}`,
  );
const call = (file: string, parameters = '{}'): string =>
  `{ name: Call, action: 'aws:executeAutomation', inputs: { DocumentName: ${file}, RuntimeParameters: ${parameters} } }`;

test(
  'holds for what a window runs as it was then: a file that was changed is named, and nothing starts before a new yes',
  async () => {
    project.channel();
    const child = runbook('child.yaml', [count('child')]);
    runbook('outer.yaml', [call('child.yaml')]);
    const dueAt = second(Date.now()) - 20_000;
    project.window('bound', dueAt, `${approval}Tasks: [{ Name: outer, Runbook: ../outer.yaml }]`);
    const said = await project.run(
      'window',
      'approve',
      'bound',
      '--occurrence',
      new Date(dueAt).toISOString(),
    );
    expect(said.stderr).toContain(child);
    expect(said.code).toBe(0);
    appendFileSync(child, '# and something else\n');

    const daemon = project.daemon({ once: false });
    await until('the new question', () => project.told('texts').includes(`${child} is not as it was then`));
    expect(status('bound')).toBe('PENDING');
    expect(project.lines).toEqual([]);
    const anew = await project.run('window', 'approve', 'bound');
    expect(anew.stderr).toContain(`anew, since ${child} is not as it was then`);
    await until('the end', () => status('bound') === 'SUCCESS');
    expect(project.lines).toEqual(['child']);
    const at = new Date(dueAt).toISOString();
    expect((await project.run('window', 'approve', 'bound', '--occurrence', at)).stderr).toContain(
      'HAS_BEGUN',
    );
    daemon.child.kill('SIGTERM');
    await daemon.ended;
  },
  caseMs,
);

test(
  'holds for no task that starts after its file was changed, while what runs already goes on',
  async () => {
    const go = join(project.files.dir, 'go');
    runbook('first.yaml', [
      count('first'),
      `{ name: Wait, action: 'host:command', inputs: { Host: here, Command: [sh, -c, 'until test -e ${go}; do sleep 0.2; done'] }, undo: { none: it waits } }`,
    ]);
    const second_ = runbook('second.yaml', [count('second')]);
    const dueAt = second(Date.now()) - 5_000;
    project.window(
      'two',
      dueAt,
      `${approval}Tasks:
  - { Name: first, Runbook: ../first.yaml }
  - { Name: second, Runbook: ../second.yaml, Priority: 2 }`,
    );
    const at = new Date(dueAt).toISOString();
    expect((await project.run('window', 'approve', 'two', '--occurrence', at)).code).toBe(0);
    const daemon = project.daemon();
    await until('the first task', () => project.lines.length > 0);
    appendFileSync(join(project.files.dir, 'first.yaml'), '# it has been read\n');
    appendFileSync(second_, '# and something else\n');
    writeFileSync(go, '');
    const { stderr } = await daemon.ended;
    expect(project.history('two')[0], stderr).toMatchObject({
      status: 'FAILED',
      tasks: [
        { status: 'SUCCESS' },
        {
          status: 'FAILED',
          invocations: [],
          reason: {
            code: 'CHANGED_SINCE_APPROVED',
            message: expect.stringContaining(`${second_} is not as it was then`) as string,
          },
        },
      ],
    });
    expect(project.lines).toEqual(['first']);
  },
  caseMs,
);

test(
  'answers what a runbook below the task asks, and without it the task is refused; the secret of the task reaches it',
  async () => {
    project.files.write('key', 'a long enough key\n');
    runbook(
      'child.yaml',
      [
        `{ name: Ask, action: 'aws:approve', inputs: { Message: shall it, Approvers: [${me}] } }`,
        `{ name: Use, action: 'host:command', inputs: { Host: here, Command: [sh, -c, 'test "$KEY" = "a long enough key" && echo used >>${project.out}'], Env: { KEY: '{{ Key }}' } }, undo: { none: it only counts } }`,
      ],
      'parameters: { Key: { type: String, secret: true } }\n',
    );
    runbook(
      'outer.yaml',
      [call('child.yaml', `{ Key: '{{ Key }}' }`)],
      'parameters: { Key: { type: String, secret: true } }\n',
    );
    const dueAt = second(Date.now()) - 5_000;
    const tasks = `Tasks: [{ Name: outer, Runbook: ../outer.yaml, Secrets: { Key: 'file:../key' } }]`;
    project.window('deep', dueAt, `${approval}${tasks}`);
    const said = await project.run(
      'window',
      'approve',
      'deep',
      '--occurrence',
      new Date(dueAt).toISOString(),
    );
    expect(said.stderr).toContain('outer: Call/child.yaml/Ask asks for an approval');
    const { stderr } = await project.daemon().ended;
    expect(status('deep'), stderr).toBe('SUCCESS');
    expect(project.lines).toEqual(['used']);

    // Without an approval the same task is refused, when it is looked at and when it comes.
    project.window('alone', second(Date.now()) - 1_000, tasks);
    const refused = await project.run('window', 'validate');
    expect(refused.stderr).toContain('Call/child.yaml/Ask waits for a person');
    await project.daemon().ended;
    expect(project.history('alone')[0]?.tasks[0]?.reason?.code).toBe('NEEDS_A_PERSON');
    expect(project.lines).toEqual(['used']);
  },
  caseMs,
);
