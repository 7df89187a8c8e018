import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { acquireLock, isLocked } from '../../src/runtime/lock.ts';

const lockModule = join(import.meta.dirname, '..', '..', 'src', 'runtime', 'lock.ts');

function temporary(): { readonly dir: string; [Symbol.dispose](): void } {
  const dir = mkdtempSync(join(tmpdir(), 'belay-lock-'));
  return { dir, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
}

/** A process that takes the lock, starts a child that outlives it, says so, and waits to be killed. */
async function holder(dir: string) {
  const program = `
    import { acquireLock } from ${JSON.stringify(lockModule)};
    import { spawn } from 'node:child_process';
    const lock = acquireLock(${JSON.stringify(dir)}, 'X');
    const child = spawn('sleep', ['5'], { stdio: 'ignore', detached: true });
    console.log(lock === undefined ? 'busy' : 'held', child.pid);
    setInterval(() => lock, 1000);`;
  const process_ = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(process_.stdout, 'data')) as [Buffer];
  const [said, childPid] = line.toString().trim().split(' ');
  return { process: process_, said, childPid: Number(childPid) };
}

test('a lock is held by one process, and is gone the moment that process is killed, although its child lives', async () => {
  using folder = temporary();
  expect(isLocked(folder.dir, 'X')).toBe(false);
  const held = await holder(folder.dir);
  try {
    expect(held.said).toBe('held');
    expect(isLocked(folder.dir, 'X')).toBe(true);
    expect(acquireLock(folder.dir, 'X')).toBeUndefined();
  } finally {
    held.process.kill('SIGKILL');
    await once(held.process, 'exit');
  }
  expect(isLocked(folder.dir, 'X')).toBe(false);
  const lock = acquireLock(folder.dir, 'X');
  expect(lock).toBeDefined();
  lock?.release();
  process.kill(held.childPid);
});

test('of two that take it at once, one gets it', async () => {
  using folder = temporary();
  const holders = await Promise.all([holder(folder.dir), holder(folder.dir)]);
  expect(new Set(holders.map(({ said }) => said))).toEqual(new Set(['busy', 'held']));
  for (const { process: holding, childPid } of holders) {
    holding.kill('SIGKILL');
    await once(holding, 'exit');
    process.kill(childPid);
  }
});
