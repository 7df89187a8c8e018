import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { beatOf } from '../../../src/runtime/windows/notify-systemd.ts';
import { untilTrue } from '../../evidence/killed.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'belay-systemd-'));
  const tool = join(folder, 'systemd-notify');
  writeFileSync(tool, `#!/bin/sh\necho "$*" >>'${join(folder, 'told')}'\n`);
  chmodSync(tool, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const told = (): string[] => {
  const file = join(folder, 'told');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
};
const env = (more: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  PATH: `${folder}:${process.env['PATH']}`,
  ...more,
});
const well = { leads: true, windows: [], trouble: null };

test('a unit is told that its daemon is ready, what it does, and again only when that changes', async () => {
  const beat = beatOf(env({ NOTIFY_SOCKET: '/run/notify' }), Date.now);
  beat({ ...well, leads: false });
  await untilTrue(() => told().length === 1);
  beat({ ...well, leads: false });
  beat(well);
  await untilTrue(() => told().length === 2);
  beat({ ...well, trouble: 'no room is left\nin the state folder' });
  await untilTrue(() => told().length === 3);
  expect(told()).toEqual([
    '--ready --status=stands by WATCHDOG=1',
    '--status=leads WATCHDOG=1',
    '--status=no room is left in the state folder WATCHDOG=1',
  ]);
});

test('the watchdog is fed while turns are made, and by nothing else', async () => {
  const beat = beatOf(env({ NOTIFY_SOCKET: '/run/notify', WATCHDOG_USEC: '30000' }), Date.now);
  beat(well);
  await untilTrue(() => {
    beat(well);
    return told().includes('WATCHDOG=1');
  });
});

test('without a unit nobody is told', () => {
  beatOf(env({}), Date.now)(well);
  expect(told()).toEqual([]);
});
