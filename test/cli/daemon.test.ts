/** The daemon as a process: what it starts, what it leaves when it is killed, and what the next one makes of it. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWindowStore } from '../../src/journal/index.ts';
import type { Occurrence } from '../../src/windows/index.ts';
import { BelayFolder, type Running } from './belay-process.ts';

let folder: BelayFolder;
beforeEach(() => {
  folder = new BelayFolder();
  mkdirSync(join(folder.dir, 'windows'));
  folder.write('belay.yaml', 'hosts: { here: { transport: local } }\n');
});
afterEach(() => folder.clear());

const out = (): string => join(folder.dir, 'out.txt');
const lines = (): string[] => (existsSync(out()) ? readFileSync(out(), 'utf8').trim().split('\n') : []);

const mayGoOn = (): string => join(folder.dir, 'go');

/** Appends a line, waits for so long or until the test lets it go on, appends another: what is done twice is seen. */
function runbook(wait: number | 'for the test'): void {
  const step =
    wait === 'for the test'
      ? `{ name: Wait, action: 'host:command', undo: { none: it only waits }, inputs: { Host: here, Command: [sh, -c, 'for i in $(seq 600); do [ -e ${mayGoOn()} ] && exit; sleep 0.2; done; exit 1'] } }`
      : `{ name: Wait, action: 'aws:sleep', inputs: { Duration: PT${wait}S } }`;
  folder.write(
    'count.yaml',
    `schemaVersion: '0.3'
description: Counts what it does.
timeoutSeconds: 120
rollback: { when: onFailure, timeoutSeconds: 60 }
parameters: { Note: { type: String, default: none } }
mainSteps:
  - name: Begin
    action: host:command
    inputs: { Host: here, Command: [sh, -c, 'echo begin $NOTE >>${out()}'], Env: { NOTE: '{{ Note }}' } }
    undo: [{ name: Back, action: 'host:command', inputs: { Host: here, Command: [sh, -c, 'echo undone >>${out()}'] } }]
  - ${step}
  - name: End
    action: host:command
    inputs: { Host: here, Command: [sh, -c, 'echo end >>${out()}'] }
    undo: { none: it only counts }
`,
  );
}

function window(more = '', name = 'count'): void {
  folder.write(
    `windows/${name}.yaml`,
    `Name: ${name}
Schedule: rate(5 minutes)
Duration: 1
${more.includes('Tasks:') ? '' : 'Tasks: [{ Name: count, Runbook: ../count.yaml }]'}
${more}
`,
  );
}

const daemon = (...args: readonly string[]): Running => folder.start(['daemon', ...args]);

async function history(name = 'count'): Promise<readonly Occurrence[]> {
  const { stdout } = await folder.run(['window', 'history', name, '--json']);
  return (JSON.parse(stdout) as { occurrences: Occurrence[] }).occurrences;
}

async function until<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  seconds = 40,
): Promise<T> {
  const end = Date.now() + seconds * 1_000;
  while (Date.now() < end) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(200);
  }
  throw new Error(`${what} did not come within ${seconds} s; out: ${lines().join(', ')}`);
}

const ended = (name = 'count'): Promise<Occurrence> =>
  until(`the end of ${name}`, async () =>
    (await history(name)).find(({ endedAt, tasks }) => endedAt !== undefined && tasks.length > 0),
  );

const leader = (): Promise<true> =>
  until('the leader', async () =>
    (await folder.run(['window', 'list', '--json'])).stdout.includes('"hasDaemon": true') ? true : undefined,
  );

describe('belay daemon', () => {
  it('runs what is planned, once, under the id that it wrote down before', async () => {
    runbook(0);
    window(`Tasks: [{ Name: count, Runbook: ../count.yaml, Parameters: { Note: 'in {{ WINDOW_ID }}' } }]`);
    const planned = await folder.run(['window', 'run', 'count', '--now']);
    expect(planned.stderr).toContain('No daemon leads this state folder');
    const once = await daemon('--once').ended;
    expect(once.code).toBe(0);
    expect(lines()).toEqual(['begin in count', 'end']);
    const [occurrence] = await history();
    const [invocation] = occurrence?.tasks[0]?.invocations ?? [];
    expect(occurrence).toMatchObject({ status: 'SUCCESS' });
    const shown = await folder.run(['show', invocation?.executionId ?? '', '--json']);
    expect(JSON.parse(shown.stdout)).toMatchObject({ status: 'Success' });
    // What has run is not run again.
    expect((await daemon('--once').ended).code).toBe(0);
    expect(lines()).toEqual(['begin in count', 'end']);
  });

  it('starts what comes due at its second while it runs', async () => {
    runbook(0);
    const dueAt = new Date(Date.now() + 6_000).toISOString().slice(0, 19);
    window('', 'other');
    folder.write(
      'windows/soon.yaml',
      `Name: soon\nSchedule: at(${dueAt})\nDuration: 1\nTasks: [{ Name: count, Runbook: ../count.yaml }]\n`,
    );
    // A machine that is slow to start the daemon would otherwise see the window first behind its only instant.
    const store = openWindowStore(folder.state);
    store.see('soon', Date.now());
    store.close();
    const running = daemon();
    const occurrence = await ended('soon');
    expect(occurrence).toMatchObject({ status: 'SUCCESS', dueAt: Date.parse(`${dueAt}Z`) });
    expect((occurrence.startedAt ?? 0) - occurrence.dueAt).toBeLessThan(30_000);
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(0);
    expect(lines()).toEqual(['begin none', 'end']);
  });

  it('that is killed leaves its run going, and the next one waits for it', async () => {
    runbook('for the test');
    window();
    await folder.run(['window', 'run', 'count', '--now']);
    const first = daemon();
    await until('the first line', () => lines()[0]);
    first.child.kill('SIGKILL');
    await first.ended;
    expect(lines()).toEqual(['begin none']);
    const second = daemon();
    await leader();
    writeFileSync(mayGoOn(), '');
    expect(await ended()).toMatchObject({ status: 'SUCCESS' });
    second.child.kill('SIGTERM');
    await second.ended;
    expect(lines()).toEqual(['begin none', 'end']);
  });

  it('takes over a run whose runner was killed together with the daemon', async () => {
    runbook('for the test');
    window();
    await folder.run(['window', 'run', 'count', '--now']);
    const first = daemon();
    await until('the first line', () => lines()[0]);
    const id = await until(
      'the invocation',
      async () => (await history())[0]?.tasks[0]?.invocations[0]?.executionId,
    );
    const runner = await until('the runner', async () => {
      const { stdout } = await folder.run(['show', id, '--json']);
      const { runner: known, isLive } = JSON.parse(stdout) as { runner?: { pid: number }; isLive?: boolean };
      return isLive === false ? undefined : known?.pid;
    });
    first.child.kill('SIGKILL');
    process.kill(runner, 'SIGKILL');
    await first.ended;
    expect(lines()).toEqual(['begin none']);
    writeFileSync(mayGoOn(), '');
    const second = daemon();
    expect(await ended()).toMatchObject({ status: 'SUCCESS' });
    second.child.kill('SIGTERM');
    await second.ended;
    expect(lines()).toEqual(['begin none', 'end']);
  });

  it('that stands by takes over within ten seconds of the first one’s death, and never leads beside it', async () => {
    runbook(0);
    window();
    const first = daemon();
    await leader();
    expect((await daemon().ended).code).toBe(5);
    const standby = daemon('--standby');
    await sleep(2_000);
    expect(standby.child.exitCode).toBeNull();
    first.child.kill('SIGKILL');
    const died = Date.now();
    await folder.run(['window', 'run', 'count', '--now']);
    await ended();
    expect(Date.now() - died).toBeLessThan(30_000);
    standby.child.kill('SIGTERM');
    await standby.ended;
    expect(lines()).toEqual(['begin none', 'end']);
  });

  it('cancels a task whose Reserve is spent, and it climbs down', async () => {
    runbook(100);
    window('Tasks: [{ Name: count, Runbook: ../count.yaml, Reserve: PT3S }]');
    await folder.run(['window', 'run', 'count', '--now']);
    const once = await daemon('--once').ended;
    expect(once.code).toBe(1);
    expect(await ended()).toMatchObject({
      status: 'TIMED_OUT',
      tasks: [
        {
          invocations: [{ status: 'TIMED_OUT', rollbackStatus: 'clean', reason: { code: 'RESERVE_SPENT' } }],
        },
      ],
    });
    expect(lines()).toEqual(['begin none', 'undone']);
  });

  it('refuses what cannot end inside its window, and says by how many minutes', async () => {
    runbook(0);
    window('Tasks: [{ Name: count, Runbook: ../count.yaml, Reserve: PT2H }]');
    const checked = await folder.run(['window', 'validate']);
    expect(checked.code).toBe(2);
    expect(checked.stderr).toContain(
      'it does not fit by 63 min: 120 min forward and 3 min of rollback in a window of 60 min',
    );
    await folder.run(['window', 'run', 'count', '--now']);
    await daemon('--once').ended;
    expect(await ended()).toMatchObject({
      status: 'FAILED',
      tasks: [{ reason: { code: 'DOES_NOT_FIT' }, invocations: [] }],
    });
    expect(lines()).toEqual([]);
  });

  it('says why a run was refused before its first step, and tries it no second time', async () => {
    runbook(0);
    window(`Tasks: [{ Name: count, Runbook: ../count.yaml, Parameters: { Nothing: x } }]`);
    await folder.run(['window', 'run', 'count', '--now']);
    await daemon('--once').ended;
    const occurrence = await ended();
    expect(occurrence).toMatchObject({
      status: 'FAILED',
      tasks: [{ invocations: [{ status: 'FAILED', reason: { code: 'NOT_STARTED' } }] }],
    });
    expect(JSON.stringify(occurrence)).toContain('UNKNOWN_PARAMETER');
  });

  it('keeps the last sound version of a window whose file is broken, and says so', async () => {
    runbook(0);
    window();
    const running = daemon();
    await leader();
    await folder.run(['window', 'run', 'count', '--now']);
    let log = '';
    running.child.stdout?.on('data', (chunk: Buffer) => (log += chunk.toString()));
    folder.write('windows/count.yaml', 'Name: [');
    running.child.kill('SIGHUP');
    await until('the run', () => (lines().length === 2 ? true : undefined));
    // The run may be over before the turn that reads the files anew.
    await until('its word', () => (log.includes('"broken-window"') ? true : undefined));
    running.child.kill('SIGTERM');
    const { stdout } = await running.ended;
    expect(stdout).toMatch(/"event":"broken-window".*its last sound version goes on/);
  });

  it('goes on beside a window file that cannot be read and a belay.yaml that was broken meanwhile', async () => {
    runbook(0);
    window();
    const running = daemon();
    await leader();
    await folder.run(['window', 'run', 'count', '--now']);
    await ended();
    await folder.run(['window', 'run', 'count', '--now']);
    folder.write('belay.yaml', 'hosts: [');
    writeFileSync(join(folder.dir, 'windows', 'latin.yaml'), Buffer.from([0x4e, 0xe4, 0x0a]));
    running.child.kill('SIGHUP');
    await sleep(3_000);
    expect(running.child.exitCode).toBeNull();
    running.child.kill('SIGTERM');
    const { code, stdout } = await running.ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/"event":"broken-window".*latin\.yaml/);
  });
});
