/** What the default of a parameter may refer to, and what is asked for it: src/runtime/defaults.ts. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Desk } from '../support/command-line.ts';

let desk: Desk;
beforeEach(() => {
  desk = new Desk();
});
afterEach(() => desk[Symbol.dispose]());

const run = (parameters: object, ...words: readonly string[]) =>
  desk.belay([
    'run',
    desk.write('day.yaml', {
      schemaVersion: '0.3',
      parameters,
      outputs: ['Say.Stdout'],
      mainSteps: [
        {
          name: 'Say',
          action: 'host:command',
          inputs: { Host: 'here', Env: { DAY: '{{ Day }}' }, Script: 'printf %s "$DAY"' },
          undo: { none: 'it only prints' },
        },
      ],
    }),
    '-y',
    ...words,
  ]);
const day = (value: string) => ({
  Day: { type: 'String', default: value, description: 'global:REGION is none' },
});

beforeEach(() => {
  desk.write('belay.yaml', { hosts: { here: { transport: 'local' } } });
});

test('a default with the date asks no AWS', async () => {
  const { code, stdout, stderr } = await run(day('on {{ global:DATE }} at {{global:DATE_TIME}}'));
  expect({ code, stderr }).toEqual({ code: 0, stderr });
  expect(stdout).toMatch(/^Say\.Stdout: on \d{4}-\d\d-\d\d at \d{4}-\d\d-\d\d_\d\d\.\d\d\.\d\d$/m);
});

test('a default with the region that is not used asks no AWS; one that is used is refused where there is no region', async () => {
  const given = await run(day('in {{ global:REGION }}'), '-p', 'Day=today');
  expect({ code: given.code, stderr: given.stderr }).toEqual({ code: 0, stderr: given.stderr });
  const refused = await run(day('in {{ global:REGION }}'));
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('a default could not be read from AWS');
});
