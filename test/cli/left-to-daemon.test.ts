/** What is left to the daemon: no process stays for it, and it goes on when an answer, a cancel or its time has come. */
import { mkdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BelayFolder, idIn, type Running } from './belay-process.ts';

let folder: BelayFolder;
beforeEach(() => {
  folder = new BelayFolder();
  mkdirSync(join(folder.dir, 'windows'));
});
afterEach(() => folder.clear());

async function left(name: string, step: string): Promise<string> {
  folder.write(`${name}.yaml`, `schemaVersion: '0.3'\nmainSteps:\n  - ${step}\n`);
  const ended = await folder.run(['run', `${name}.yaml`, '-y', '--leave-to-daemon']);
  expect(ended.code, ended.stderr).toBe(6);
  expect(ended.stderr).toContain('belay daemon goes on with it');
  return idIn(ended.stderr);
}

async function statusOf(id: string): Promise<string> {
  const { stdout } = await folder.run(['show', id, '--json']);
  return (JSON.parse(stdout) as { readonly status: string }).status;
}

async function until(id: string, status: string, daemon: Running): Promise<void> {
  while ((await statusOf(id)) !== status) {
    if (daemon.child.exitCode !== null) throw new Error(`the daemon ended: ${(await daemon.ended).stderr}`);
    await delay(100);
  }
}

test(
  'an execution that was left to the daemon goes on when it is answered, and when it is cancelled, and not before',
  { timeout: 180_000 },
  async () => {
    const ask = (seconds: number): string =>
      `{ name: Ask, action: 'aws:approve', timeoutSeconds: ${seconds}, inputs: { Approvers: ['${userInfo().username}'] } }`;
    const answered = await left('answered', ask(3_600));
    const late = await left('late', ask(10));
    const asleep = await left('asleep', "{ name: Nap, action: 'aws:sleep', inputs: { Duration: PT2H } }");
    const listed = (await folder.run(['list'])).stdout;
    expect(listed.match(/Waiting/g)).toHaveLength(3);

    const daemon = folder.start(['daemon']);
    // Nobody answers it.
    await until(late, 'TimedOut', daemon);
    expect(await statusOf(answered)).toBe('Waiting');
    const said = await folder.run(['approve', answered]);
    expect(said.stderr).toContain('belay daemon goes on with it');
    await until(answered, 'Success', daemon);
    expect(await statusOf(asleep)).toBe('Waiting');
    const cancelled = await folder.run(['cancel', asleep]);
    expect([cancelled.code, cancelled.stderr]).toEqual([
      0,
      expect.stringContaining('belay daemon goes on with it'),
    ]);
    await until(asleep, 'Cancelled', daemon);
    daemon.child.kill('SIGTERM');
    expect((await daemon.ended).code).toBe(0);
  },
);
