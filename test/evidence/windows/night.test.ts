/** What becomes at night of what would ask a person: said beforehand, told, or looked at again until it is right. */
import { readFileSync, rmSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Project, until } from './project.ts';

const caseMs = 150_000;
const second = (ms: number): number => Math.floor(ms / 1_000) * 1_000;
const me = userInfo().username;

let project: Project;
beforeEach(() => (project = new Project()));
afterEach(() => project[Symbol.dispose]());

const tellings = (): string => project.told('subjects');

test(
  'an approval inside a runbook is answered by the one that was given for the window, and only by that',
  async () => {
    project.files.write(
      'asks.yaml',
      `schemaVersion: '0.3'
timeoutSeconds: 300
rollback: { when: onFailure, timeoutSeconds: 60 }
mainSteps:
  - { name: Ask, action: 'aws:approve', inputs: { Message: shall it, Approvers: [${me}] } }
  - name: Do
    action: host:command
    inputs: { Host: here, Command: [sh, -c, 'echo done >>${project.out}'] }
    undo: { none: it only counts }
`,
    );
    const dueAt = second(Date.now()) - 20_000;
    const more = `Approval: { Approvers: [${me}] }`;
    project.window('asks', dueAt, more);
    expect((await project.run('window', 'validate')).stderr).toContain('is sound');
    const at = new Date(dueAt).toISOString();
    const daemon = project.daemon({ once: false });
    await until('the question', () => project.history('asks')[0]?.status === 'PENDING');
    expect(project.lines).toEqual([]);
    const said = await project.run('window', 'approve', 'asks', '--occurrence', at);
    expect(said.stderr).toContain('asks: Ask asks for an approval');
    expect(said.code).toBe(0);
    await until('the end', () => project.history('asks')[0]?.status === 'SUCCESS');
    daemon.child.kill('SIGTERM');
    await daemon.ended;
    expect(project.lines).toEqual(['done']);
    const id = project.history('asks')[0]?.tasks[0]?.invocations[0]?.executionId ?? '';
    const { stdout } = await project.run('show', id, '--json');
    expect(stdout).toContain('said beforehand, for asks@');

    // A window without one is refused when it is looked at, and when it comes.
    project.window('alone', second(Date.now()) - 1_000, 'Tasks: [{ Name: asks, Runbook: ../asks.yaml }]');
    const refused = await project.run('window', 'validate');
    expect(refused.stderr).toContain('WAITS_FOR_A_PERSON');
    await project.daemon().ended;
    expect(project.history('alone')[0]).toMatchObject({
      status: 'FAILED',
      tasks: [{ invocations: [], reason: { code: 'NEEDS_A_PERSON' } }],
    });
    expect(project.lines).toEqual(['done']);
  },
  caseMs,
);

test(
  'a check is a task: what it finds is what the task came to, and what is pruned by keep is gone behind it',
  async () => {
    const rules = (path: string): string =>
      `Name: ${path}\nTargets: here\nRules:\n  - { Name: there, Check: check:file, Inputs: { Path: ${join(project.files.dir, path)} } }\n`;
    project.files.write('good.yaml', rules('belay.yaml'));
    project.files.write('bad.yaml', rules('missing'));
    project.runbook('byhand', 0);
    expect((await project.run('run', 'byhand.yaml')).code).toBe(0);
    const [old] = (
      JSON.parse((await project.run('list', '--json')).stdout) as { executions: { executionId: string }[] }
    ).executions;
    const id = old?.executionId ?? '';
    expect((await project.run('discard', id, '--why', 'it may go')).code).toBe(0);
    project.window(
      'look',
      second(Date.now()) - 5_000,
      `Tasks:
  - { Name: good, Check: ../good.yaml, Reserve: PT5M }
  - { Name: bad, Check: ../bad.yaml, Reserve: PT5M, Priority: 2 }`,
    );
    expect((await project.run('window', 'validate')).stderr).toContain('is sound');
    const { stderr } = await project.daemon().ended;
    expect(project.history('look'), stderr).toMatchObject([
      {
        status: 'FAILED',
        tasks: [
          { status: 'SUCCESS' },
          { status: 'FAILED', invocations: [{ status: 'FAILED', reason: { code: 'NON_COMPLIANT' } }] },
        ],
      },
    ]);
    expect((await project.run('show', id)).code).toBe(2);
  },
  caseMs,
);

test(
  'a broken file and a secret that cannot be read raise the alarm, and the last sound version goes on behind a restart',
  async () => {
    project.channel();
    project.runbook('count', 0);
    project.window('count', second(Date.now()) + 3_600_000);
    const first = project.daemon({ once: false });
    await until('the daemon', () => first.log().includes('"leads"'));
    first.child.kill('SIGKILL');
    await first.ended;
    const file = join(project.files.dir, 'windows', 'count.yaml');
    project.files.write(
      'windows/count.yaml',
      readFileSync(file, 'utf8').replace('Duration: 1', 'Duration: one'),
    );
    project.files.write(
      'secret.yaml',
      `schemaVersion: '0.3'
timeoutSeconds: 60
rollback: { when: onFailure, timeoutSeconds: 60 }
parameters: { Key: { type: String, secret: true } }
mainSteps:
  - name: Use
    action: host:command
    inputs: { Host: here, Command: ['true'], Env: { KEY: '{{ Key }}' } }
    undo: { none: it changes nothing }
`,
    );
    project.window(
      'secret',
      second(Date.now()) + 3_600_000,
      `Tasks: [{ Name: use, Runbook: ../secret.yaml, Secrets: { Key: 'file:missing-key' } }]`,
    );
    const second_ = project.daemon({ once: false });
    await until('both alarms', () =>
      ['count.yaml is broken', 'secret would not run as meant'].every((text) => tellings().includes(text)),
    );
    expect(
      tellings()
        .split('\n')
        .filter((line) => line.startsWith('needsPerson: ')),
    ).toHaveLength(2);
    expect(second_.log()).toContain('its last sound version goes on (count)');
    expect(second_.log()).toContain('"windows":["count","secret"]');
    expect(second_.log()).toContain('missing-key');
    second_.child.kill('SIGTERM');
    await second_.ended;
  },
  caseMs,
);

test(
  'a run that cannot go on without a person is told at once, holds back what comes behind it, and goes on when it can',
  async () => {
    project.channel();
    const key = project.files.write('key', 'a long enough key\n');
    project.files.write(
      'needs.yaml',
      `schemaVersion: '0.3'
timeoutSeconds: 600
rollback: { when: onFailure, timeoutSeconds: 60 }
parameters: { Key: { type: String, secret: true } }
mainSteps:
  - name: Begin
    action: host:command
    inputs: { Host: here, Command: [sh, -c, 'echo begin >>${project.out}'] }
    undo: { none: it only counts }
  - { name: Wait, action: 'aws:sleep', inputs: { Duration: PT4S } }
  - name: End
    action: host:command
    inputs: { Host: here, Command: [sh, -c, 'echo end >>${project.out}'], Env: { KEY: '{{ Key }}' } }
    undo: { none: it only counts }
`,
    );
    project.runbook('later', 0);
    project.window(
      'needs',
      second(Date.now()) - 1_000,
      `Tasks:
  - { Name: needs, Runbook: ../needs.yaml, Secrets: { Key: 'file:../key' } }
  - { Name: later, Runbook: ../later.yaml, Priority: 2 }`,
    );
    const first = project.daemon({ once: false });
    await until('the first step', () => project.lines.includes('begin'));
    const id = project.history('needs')[0]?.tasks[0]?.invocations[0]?.executionId ?? '';
    const { stdout } = await project.run('show', id, '--json');
    const { runner } = JSON.parse(stdout) as { runner: { pid: number } };
    first.child.kill('SIGKILL');
    process.kill(runner.pid, 'SIGKILL');
    await first.ended;
    rmSync(key);
    const next = project.daemon({ once: false });
    await until('the alarm', () => tellings().includes('needs a person'));
    expect(project.history('needs')[0]?.tasks[1]?.status).toBe('PENDING');
    expect(project.lines).toEqual(['begin']);
    project.files.write('key', 'a long enough key\n');
    await until('the end', () => project.history('needs')[0]?.status === 'SUCCESS');
    expect(project.lines).toEqual(['begin', 'end', 'later begin', 'later end']);
    next.child.kill('SIGTERM');
    await next.ended;
  },
  caseMs,
);
