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

const parentOf = (isSecret: boolean) => ({
  schemaVersion: '0.3',
  parameters: { Password: { type: 'String', ...(isSecret ? { secret: true } : {}) } },
  mainSteps: [
    {
      name: 'Below',
      action: 'aws:executeAutomation',
      inputs: {
        DocumentName: './child.yaml',
        RuntimeParameters: { ConnInfo: 'host=db1 password={{ Password }}' },
      },
    },
  ],
});
const childOf = (isSecret: boolean, action: string, inputs: object) => ({
  schemaVersion: '0.3',
  parameters: { ConnInfo: { type: 'String', ...(isSecret ? { secret: true } : {}) } },
  mainSteps: [{ name: 'Reach', action, inputs: { ...inputs, ConnInfo: '{{ ConnInfo }}' } }],
});
const reaching: readonly (readonly [string, object])[] = [
  ['postgresql:follow', { Host: 'db1', DataDirectory: '/nowhere/at/all' }],
  ['postgresql:rebuildStandby', { Host: 'db1', DataDirectory: '/nowhere/at/all' }],
  ['postgresql:canFollow', { Followers: ['db1'], NewPrimary: 'db2', Unit: 'nowhere-at-all' }],
];

test.each(reaching)(
  '%s takes a secret that the runbook above gives, and no file has it',
  async (...reach) => {
    desk.write('child.yaml', childOf(true, ...reach));
    const file = desk.write('parent.yaml', parentOf(true));
    const said = await desk.belay(['run', file, '--secret', 'Password=env:PW', '-y']);
    expect([1, 3], said.stderr).toContain(said.code);
    expect(said.stderr).toMatch(/NO_SUCH_DIRECTORY|NOT_ROOT|NO_SUCH_SERVER|NO_POSTGRESQL/);
    expect(said.stderr + said.stdout).not.toContain('open-sesame-41');
    expect(found('open-sesame-41')).toBe('');
  },
);

test.each(reaching)('%s refuses what the runbook above gives as plain text', async (...reach) => {
  desk.write('child.yaml', childOf(false, ...reach));
  const file = desk.write('parent.yaml', parentOf(false));
  const said = await desk.belay(['run', file, '-p', 'Password=mellon-of-moria', '-y']);
  expect(said.stderr).toContain('PLAIN_PASSWORD');
  expect(said.stderr).toContain('Nothing was changed on the host');
});

test('a secret is not given to a runbook that would show it', async () => {
  desk.write('child.yaml', childOf(false, 'postgresql:follow', reaching[0]?.[1] ?? {}));
  const file = desk.write('parent.yaml', parentOf(true));
  const said = await desk.belay(['run', file, '--secret', 'Password=env:PW', '-y']);
  expect(said.stderr).toContain('SECRET_PARAMETER');
  expect(found('open-sesame-41')).toBe('');
});
