/** A secret that is exchanged between a killed runner and its resume: what the step said of the earlier one is shown to nobody. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fingerprintOf, hasFingerprint } from '../../src/runtime/secrets/fingerprint.ts';
import { Desk, idOf } from '../support/command-line.ts';
import { rowsOf } from '../support/secret-search/forms.ts';

let desk: Desk;
beforeEach(() => {
  desk = new Desk();
  desk.write('belay.yaml', { hosts: { here: { transport: 'local' } } });
});
afterEach(() => desk[Symbol.dispose]());

const earlier = 'The-Earlier-Pass-1';
const later = 'The-Later-Pass-2';

test.each([
  ['another', later],
  ['the same', earlier],
])('with %s one', async (_, now) => {
  const gate = join(desk.folder, 'gate');
  desk.write('say.yaml', {
    schemaVersion: '0.3',
    parameters: { Pw: { type: 'String', secret: true } },
    outputs: ['Say.Stdout', 'Say.ExitCode'],
    mainSteps: [
      {
        name: 'Say',
        action: 'host:command',
        inputs: {
          Host: 'here',
          Env: { P: '{{ Pw }}' },
          ShowOutput: true,
          Script: `: >'${gate}.waits'; while [ ! -e '${gate}' ]; do sleep 0.1; done; echo "it was $P"; echo "error $P" >&2`,
        },
        undo: { none: 'a test' },
      },
      {
        name: 'Again',
        action: 'host:command',
        inputs: { Host: 'here', Env: { P: '{{ Pw }}' }, Script: 'echo "now $P"', ShowOutput: true },
        undo: { none: 'a test' },
      },
    ],
  });
  const going = desk.start(['run', 'say.yaml', '-y', '--secret', 'Pw=env:PW'], { env: { PW: earlier } });
  await going.writes(/▸ Say/);
  // The command runs; whether its runner has written that down by now is all the same.
  while (!existsSync(`${gate}.waits`)) await new Promise((resolve) => setTimeout(resolve, 20));
  going.process.kill('SIGKILL');
  const id = idOf(await going.said);
  writeFileSync(gate, '');
  const resumed = await desk.belay(['resume', id], { env: { PW: now } });
  expect({ code: resumed.code, stderr: resumed.stderr }).toMatchObject({ code: 0 });
  const said = [resumed, await desk.belay(['show', id, '--json']), await desk.belay(['logs', id])];
  const all = said.map(({ stdout, stderr }) => stdout + stderr).join('\n');
  const rows = rowsOf(join(desk.state, 'journal.db')).toString();
  const log = readFileSync(join(desk.state, 'executions', id, 'logs', 'Say@here.stdout'), 'utf8');
  for (const kept of [all, rows, log])
    for (const secret of [earlier, later]) expect(kept).not.toContain(secret);
  if (now === later) {
    expect(log).toContain('the output is withheld: the step was given another value of Pw');
    expect(all).not.toContain('it was ***');
  } else expect(log).toBe('it was ***\n');
  expect(all).toContain('now ***');
  expect(all).toContain('"Say.ExitCode": 0');
});

test('a fingerprint knows its secret and no other, and holds nothing of it', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 4 }), fc.string({ minLength: 4 }), (one, other) => {
      const print = fingerprintOf(one);
      expect(hasFingerprint(one, print)).toBe(true);
      expect(hasFingerprint(other, print)).toBe(one === other);
      expect(fingerprintOf(one)).not.toEqual(print);
    }),
    { numRuns: 2 },
  );
});
