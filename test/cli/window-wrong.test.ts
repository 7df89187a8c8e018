/** What the window commands say of windows that would not come, and of those that nobody can tell of. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freePort } from '../lab/endpoint/moto.ts';
import { BelayFolder } from './belay-process.ts';

let folder: BelayFolder;
beforeEach(() => {
  folder = new BelayFolder();
  mkdirSync(join(folder.dir, 'windows'));
  folder.write('belay.yaml', 'hosts: { here: { transport: local } }\n');
  folder.write(
    'look.yaml',
    `schemaVersion: '0.3'
timeoutSeconds: 60
mainSteps: [{ name: Nap, action: 'aws:sleep', inputs: { Duration: PT1S } }]
`,
  );
});
afterEach(() => folder.clear());

const window = (more: string, schedule = 'rate(1 day)'): string =>
  folder.write(
    'windows/look.yaml',
    `Name: look\nSchedule: ${schedule}\nDuration: 1\n${more}\nTasks: [{ Name: look, Runbook: ../look.yaml, Reserve: PT5M }]\n`,
  );

it('a window whose EndDate is past, or whose one run was, is said to be over', async () => {
  window('EndDate: 2020-01-01T00:00:00Z');
  const checked = await folder.run(['window', 'validate', '--offline']);
  expect(checked.stderr).toContain('look does not come again: its EndDate is 2020-01-01T00:00:00Z');
  // It is sound: that it is over is not a mistake of anybody.
  expect(checked.code).toBe(0);
  expect((await folder.run(['window', 'next', 'look'])).stderr).toContain('its EndDate is 2020-01-01');
  expect((await folder.run(['window', 'list'])).stdout).toMatch(/look\s+OVER/);
  window('', 'at(2020-01-01T00:00:00)');
  expect((await folder.run(['window', 'validate', '--offline'])).stderr).toContain(
    'at(2020-01-01T00:00:00) has come for the last time',
  );
});

it('a calendar that cannot be read is named beside the next runs, which would not start', async () => {
  window(`Freeze: ['http://127.0.0.1:${await freePort()}/freeze.ics']`);
  const { stderr, stdout, code } = await folder.run(['window', 'next', 'look', '-n', '1']);
  expect(stderr).toContain('nobody listens there');
  expect(stderr).toContain('While that is so, nothing of it starts.');
  expect(stdout.trim().split('\n')).toHaveLength(1);
  expect(code).toBe(0);
  const json = await folder.run(['window', 'next', 'look', '--json']);
  expect(JSON.parse(json.stdout)).toMatchObject({
    freezeProblem: expect.stringContaining('nobody listens there') as string,
  });
});
