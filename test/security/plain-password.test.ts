/** A password in how a primary is reached: refused before the journal has it, and taken from a secret parameter. */
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Desk } from '../support/command-line.ts';
import { shippedFile } from '../evidence/failing-step.ts';

let desk: Desk;
beforeEach(() => {
  desk = new Desk({ PW: 'open-sesame-41' });
  desk.write('belay.yaml', { hosts: { db1: { transport: 'local' }, db2: { transport: 'local' } } });
});
afterEach(() => desk[Symbol.dispose]());

/** Files of the state folder that have the text. */
const found = (text: string) => spawnSync('grep', ['-rlaF', text, desk.state], { encoding: 'utf8' }).stdout;

test.each([
  ['postgresql/rebuild-standby', { Primary: 'db1', Standby: 'db2' }],
  [
    'postgresql/patch-replicas',
    { Cluster: 'c', Primary: 'db1', Standbys: 'db2', Version: '15.20', Approvers: 'me', SwitchoverTo: 'db2' },
  ],
])('%s refuses it as plain text, and nothing is written down', async (runbook, parameters) => {
  desk.write('belay.yaml', {
    hosts: { db1: { transport: 'local' }, db2: { transport: 'local' } },
    groups: { c: ['db1', 'db2'] },
  });
  const words = Object.entries({ ...parameters, ConnInfo: 'host=db1 password=mellon-of-moria' });
  const given = words.flatMap(([name, value]) => ['-p', `${name}=${value}`]);
  const said = await desk.belay(['run', shippedFile(runbook), ...given, '-y']);
  expect(said.code, said.stderr).toBe(2);
  expect(said.stderr).toContain('PLAIN_PASSWORD');
  expect(said.stderr + said.stdout + found('mellon-of-moria')).not.toContain('mellon-of-moria');
  expect(found('mellon-of-moria')).toBe('');
  expect((await desk.belay(['list'])).stdout).not.toContain('Failed');
});

test('a secret parameter may give it, and the journal has it not', async () => {
  const file = desk.write('own.yaml', {
    schemaVersion: '0.3',
    parameters: { Password: { type: 'String', secret: true } },
    mainSteps: [
      {
        name: 'Follow',
        action: 'postgresql:follow',
        inputs: {
          Host: 'db1',
          DataDirectory: '/nowhere/at/all',
          ConnInfo: 'host=db1 password={{ Password }}',
        },
      },
    ],
  });
  const said = await desk.belay(['run', file, '--secret', 'Password=env:PW', '-y']);
  // What has changed nothing has nothing to take back.
  expect([1, 3], said.stderr).toContain(said.code);
  expect(said.stderr).toMatch(/NO_SUCH_DIRECTORY|NOT_ROOT/);
  expect(found('open-sesame-41')).toBe('');
});
