/** What `belay run` says of steps that nothing takes back, before it begins. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Desk } from '../support/command-line.ts';

let desk: Desk;
beforeEach(() => {
  desk = new Desk();
  desk.write('belay.yaml', { hosts: { here: { transport: 'local' } } });
});
afterEach(() => desk[Symbol.dispose]());

const step = (name: string, more: object = {}) => ({
  name,
  action: 'host:command',
  inputs: { Host: 'here', Command: ['true'] },
  ...more,
});
const run = (...mainSteps: readonly object[]) => {
  const rollback = { when: 'onFailure' };
  const file = desk.write('some.yaml', { schemaVersion: '0.3', rollback, mainSteps });
  return desk.belay(['run', file, '-y']);
};

test('they are named in one line, and validate says where each is', async () => {
  const said = await run(step('Look', { undo: { none: 'it looks' } }), step('Remove'), step('Format'));
  expect(said.code, said.stderr).toBe(0);
  expect(said.stderr).toContain('No way back from Remove, Format: nothing takes back what they change.\n');
  expect(said.stderr).not.toContain('NO_UNDO');
  const validated = await desk.belay(['validate', 'some.yaml']);
  expect(validated.stdout + validated.stderr).toMatch(/some\.yaml:\d+:\d+ {2}NO_UNDO \(warning\)/);
});

test('nothing is said where each step has its undo', async () => {
  const said = await run(step('Look', { undo: { none: 'it looks' } }));
  expect(said.code, said.stderr).toBe(0);
  expect(said.stderr).not.toContain('No way back');
});
