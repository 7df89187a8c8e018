/** kill -9 of a real runner in the middle of one step over several hosts, and in the middle of its undo: each host is acted on once. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { newExecutionId } from '../../src/runtime/execution-id.ts';
import { builtBelay } from '../support/built.ts';

const folder = mkdtempSync(join(tmpdir(), 'belay-over-hosts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hosts = ['t1', 't2', 't3', 't4', 't5', 't6'];
const file = join(folder, 'lines');
const lines = (): string[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
const say = (what: string) => ({
  Script: `echo "${what}$N" >>"$FILE"; sleep 0.3`,
  Env: { FILE: file, N: '{{ inputs.Host }}' },
});

const runbook = {
  schemaVersion: '0.3',
  mainSteps: [
    {
      name: 'Mark',
      action: 'host:command',
      inputs: {
        Hosts: ['t{1..6}'],
        MaxConcurrency: 3,
        MaxErrors: '100%',
        Script: 'echo do >>"$FILE"; sleep 0.3',
        Env: { FILE: file },
      },
      undo: [
        { name: 'Back', action: 'host:command', inputs: { Host: '{{ inputs.Host }}', ...say('undo ') } },
      ],
    },
    {
      name: 'Fail',
      action: 'host:command',
      inputs: { Host: 't1', Command: ['false'] },
      undo: { none: 'it does nothing' },
    },
  ],
};

function belay(...words: string[]): ChildProcess {
  const args = [builtBelay(), ...words, '--state', join(folder, 'state')];
  return spawn(process.execPath, args, { cwd: folder, stdio: 'ignore' });
}

/** Until so many lines are there, or the runner has ended. */
async function untilLines(count: number, runner: ChildProcess): Promise<void> {
  while (lines().length < count && runner.exitCode === null && runner.signalCode === null) await delay(20);
}

test(
  'a runner that is killed forward and in undo is taken over, and every host is acted on and undone once',
  { timeout: 180_000 },
  async () => {
    writeFileSync(file, '');
    writeFileSync(
      join(folder, 'belay.yaml'),
      JSON.stringify({ hosts: { 't{1..6}': { transport: 'local' } } }),
    );
    writeFileSync(join(folder, 'r.yaml'), JSON.stringify(runbook));
    // Its own in each try: what an earlier one was killed at is still known to this machine by its tokens.
    const id = newExecutionId(Date.now());
    let runner = belay('run', 'r.yaml', '-y', '--id', id);
    for (const count of [2, 5, 8]) {
      await untilLines(count, runner);
      if (runner.exitCode !== null) break;
      const gone = once(runner, 'exit');
      runner.kill('SIGKILL');
      const [code] = (await gone) as [number | null];
      // It had ended by itself.
      if (code !== null) break;
      runner = belay('resume', id);
    }
    if (runner.exitCode === null) await once(runner, 'exit');
    expect(runner.exitCode).toBe(3);
    expect(lines().toSorted()).toEqual([...hosts.map(() => 'do'), ...hosts.map((host) => `undo ${host}`)]);
  },
);
