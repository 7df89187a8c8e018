/**
 * kill -9 of a real runner with executions open below it: while they act, while they wait for people, and while they climb down. What was
 * answered with nobody alive counts, and each of them is acted on and undone once.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newExecutionId } from '../../src/runtime/execution-id.ts';
import { BelayFolder, type Running } from './belay-process.ts';

let folder: BelayFolder;
beforeEach(() => {
  folder = new BelayFolder();
});
afterEach(() => folder.clear());

/** Two of them ask before they go on. */
const names = ['a1', 'b1', 'w1', 'w2'];
const asking = ['w1', 'w2'];

const file = (): string => join(folder.dir, 'lines');
const lines = (): string[] =>
  readFileSync(file(), 'utf8')
    .split('\n')
    .filter((line) => line !== '');

function writeRunbooks(): void {
  const say = (what: string) => ({
    Host: 'here',
    Script: `echo "${what} $N" >>"$FILE"; sleep 0.3`,
    Env: { FILE: file(), N: '{{ Name }}' },
  });
  const child = {
    schemaVersion: '0.3',
    rollback: { when: 'onFailure' },
    parameters: { Name: { type: 'String' } },
    mainSteps: [
      {
        name: 'Mark',
        action: 'host:command',
        inputs: say('do'),
        undo: [{ name: 'Back', action: 'host:command', inputs: say('undo') }],
      },
      {
        name: 'Asks',
        action: 'aws:branch',
        isEnd: true,
        inputs: { Choices: [{ NextStep: 'Ask', Variable: '{{ Name }}', StartsWith: 'w' }] },
      },
      { name: 'Ask', action: 'aws:approve', inputs: { Approvers: [userInfo().username] } },
    ],
  };
  const targets = [{ Key: 'ParameterValues', Values: names }];
  const root = {
    schemaVersion: '0.3',
    rollback: { when: 'onFailure' },
    mainSteps: [
      {
        name: 'Fleet',
        action: 'aws:executeAutomation',
        inputs: {
          DocumentName: 'child',
          Targets: targets,
          TargetParameterName: 'Name',
          MaxConcurrency: '4',
          MaxErrors: '4',
        },
      },
      {
        name: 'Fail',
        action: 'host:command',
        inputs: { Host: 'here', Command: ['false'] },
        undo: { none: 'it does nothing' },
      },
    ],
  };
  mkdirSync(folder.state, { recursive: true, mode: 0o700 });
  folder.write('belay.yaml', JSON.stringify({ hosts: { here: { transport: 'local' } } }));
  folder.write('child.yaml', JSON.stringify(child));
  folder.write('root.yaml', JSON.stringify(root));
  writeFileSync(file(), '');
}

const isOver = ({ child }: Running): boolean => child.exitCode !== null || child.signalCode !== null;

async function until(runner: Running, isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) {
    if (isOver(runner)) throw new Error(`it ended before: ${(await runner.ended).stderr}`);
    await delay(50);
  }
}

async function killed(runner: Running): Promise<void> {
  runner.child.kill('SIGKILL');
  await runner.ended;
}

async function waiting(id: string): Promise<number> {
  const { children } = JSON.parse((await folder.run(['show', id, '--json'])).stdout) as {
    children: readonly { readonly waiting: { readonly kind: string } | null }[];
  };
  return children.filter((child) => child.waiting?.kind === 'approval').length;
}

test(
  'a runner that is killed with children under way, waiting and climbing down is taken over, and nothing is done twice',
  { timeout: 240_000 },
  async () => {
    writeRunbooks();
    const id = newExecutionId(Date.now());
    let runner = folder.start(['run', 'root.yaml', '-y', '--id', id]);
    await until(runner, () => lines().length >= 2);
    await killed(runner);

    runner = folder.start(['resume', id]);
    await until(runner, async () => (await waiting(id)) === asking.length);
    await killed(runner);

    const refused = await folder.run(['approve', id]);
    expect(refused.stderr).toContain('--step Fleet@w1/Ask, --step Fleet@w2/Ask');
    const answered = await folder.run(['approve', id, '--step', 'Fleet@w1/Ask']);
    expect(answered.stderr).toContain(`belay resume ${id}`);
    runner = folder.start(['resume', id]);
    await until(runner, async () => (await waiting(id)) === 1);
    expect((await folder.run(['approve', id])).code).toBe(0);

    const undone = (): number => lines().filter((line) => line.startsWith('undo')).length;
    for (const count of [1, 2, 3]) {
      // On a slow machine it may have come to its end before it is looked at.
      while (undone() < count && !isOver(runner)) await delay(50);
      await killed(runner);
      runner = folder.start(['resume', id]);
    }
    await runner.ended;
    expect(JSON.parse((await folder.run(['show', id, '--json'])).stdout)).toMatchObject({
      status: 'Failed',
      rollbackStatus: 'clean',
    });
    expect(lines().toSorted()).toEqual(names.flatMap((name) => [`do ${name}`, `undo ${name}`]).toSorted());
  },
);

test(
  'a cancel after kill -9 within a step below that nothing takes back: the ending names it, and calls nothing as it was',
  { timeout: 120_000 },
  async () => {
    mkdirSync(folder.state, { recursive: true, mode: 0o700 });
    writeFileSync(file(), '');
    folder.write('belay.yaml', JSON.stringify({ hosts: { here: { transport: 'local' } } }));
    const act = {
      name: 'Act',
      action: 'host:command',
      inputs: { Host: 'here', Script: 'echo do >>"$FILE"; sleep 600', Env: { FILE: file() } },
      undo: { none: 'it is to stay' },
    };
    const call = { name: 'Call', action: 'aws:executeAutomation', inputs: { DocumentName: 'child' } };
    folder.write('child.yaml', JSON.stringify({ schemaVersion: '0.3', mainSteps: [act] }));
    folder.write('root.yaml', JSON.stringify({ schemaVersion: '0.3', mainSteps: [call] }));
    const id = newExecutionId(Date.now());
    const runner = folder.start(['run', 'root.yaml', '-y', '--id', id]);
    await until(runner, () => lines().length === 1);
    await killed(runner);

    const { stderr } = await folder.run(['cancel', id]);
    const { stdout } = await folder.run(['show', id]);
    for (const said of [stderr, stdout]) {
      expect(said).toContain(
        'Call/Act may have changed something on here; by its undo: none nothing takes that back',
      );
      expect(said).not.toMatch(/here is as it was|Nothing is left changed|Nothing was changed/);
    }
    expect(lines()).toEqual(['do']);
  },
);
