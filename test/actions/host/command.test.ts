import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { command } from '../../../src/actions/host/command.ts';
import { carryOut, effectOf, newToken, run } from '../../support/action-bed.ts';
import { contextOf } from '../../support/action-context.ts';
import { localTestHost } from './local.ts';

test('gives exit code and both streams, and logs all of them', async () => {
  await using here = localTestHost();
  const inputs = { Host: 'here', Script: 'echo out "$WHO"; echo err >&2', Env: { WHO: 'a $(b) c' } };
  const done = await run(command, inputs, { hosts: { here: here.host } });
  expect(done.ending).toMatchObject({
    kind: 'done',
    outputs: { ExitCode: 0, Stdout: 'out a $(b) c\n', Stderr: 'err\n' },
  });
  expect(done.logged).toContain('out a $(b) c');
});

test('an argv reaches the program untouched by any shell', async () => {
  await using here = localTestHost();
  const inputs = {
    Host: 'here',
    Command: ['printf', '%s|', '$HOME', 'a b', ';', '*'],
    WorkingDirectory: '/',
  };
  const done = await run(command, inputs, { hosts: { here: here.host } });
  expect(done.ending).toMatchObject({ outputs: { Stdout: '$HOME|a b|;|*|' } });
});

test('another exit code fails with the last words, and the outputs are known all the same', async () => {
  await using here = localTestHost();
  const inputs = { Host: 'here', Script: 'echo partial; echo one >&2; echo "no space left" >&2; exit 3' };
  const done = await run(command, inputs, { hosts: { here: here.host } });
  expect(done.ending).toMatchObject({
    kind: 'failed',
    code: 'COMMAND_FAILED',
    message: 'here (this machine): exit code 3, wanted 0: one | no space left',
    outputs: { ExitCode: 3, Stdout: 'partial\n' },
  });
  const allowed = await run(command, { ...inputs, ExpectExitCodes: [0, 3] }, { hosts: { here: here.host } });
  expect(allowed.ending).toMatchObject({ kind: 'done', outputs: { ExitCode: 3 } });
});

test('keeps the first 24,000 characters of a long output and logs the rest too', async () => {
  await using here = localTestHost();
  const inputs = {
    Host: 'here',
    Script: 'i=0; while [ $i -lt 5000 ]; do echo "line $i of many"; i=$((i+1)); done',
  };
  const done = await run(command, inputs, { hosts: { here: here.host } });
  expect(done.ending.outputs?.['Stdout']).toHaveLength(24_000);
  expect(done.logged).toContain('line 4999 of many');
});

test('after a lost reply the running command is adopted and its output read from the start', async () => {
  await using here = localTestHost();
  const inputs = {
    Host: 'here',
    Script: `echo begun >>"$F"; sleep 0.4; cat "$F"`,
    Env: { F: join(here.folder, 'f') },
  };
  const done = await run(command, inputs, { hosts: { here: here.host } }, { lostReply: true });
  expect(done.ending).toMatchObject({ kind: 'done', outputs: { Stdout: 'begun\n' } });
  expect(readFileSync(join(here.folder, 'f'), 'utf8')).toBe('begun\n');
});

test('a second begin under the same token does nothing, and stop ends the command for good', async () => {
  await using here = localTestHost();
  const world = { hosts: { here: here.host } };
  const flag = join(here.folder, 'flag');
  const inputs = { Host: 'here', Script: 'echo x >>"$F"; exec sleep 30', Env: { F: flag } };
  const effect = effectOf(command, inputs);
  if (effect.kind !== 'begun') throw new Error('a command is begun');
  await using context = await contextOf(world, newToken());
  const handle = await effect.begin(inputs, null, context);
  await effect.begin(inputs, null, context);
  while (!existsSync(flag)) await sleep(20);
  expect(await effect.adopt(inputs, null, context)).toMatchObject({ kind: 'running' });
  await effect.stop?.(handle, inputs, context);
  // The host may have recorded the signal, or only that the command was stopped.
  const ended = await effect.poll(handle, inputs, null, context).catch((error: Error) => error);
  expect(ended).toMatchObject({ code: expect.stringMatching(/^(COMMAND_FAILED|COMMAND_VANISHED)$/) });
  expect(readFileSync(flag, 'utf8')).toBe('x\n');
  await effect.release?.(handle, inputs, context);
  expect(await effect.adopt(inputs, null, context)).toEqual({ kind: 'absent' });
});

test('a command that vanished is never simply started anew: nobody knows what it did', async () => {
  await using here = localTestHost();
  const vanished = {
    ...here.host,
    start: async () => {},
    poll: async () => ({
      kind: 'vanished' as const,
      reason: 'the host was rebooted',
      next: { stdout: 0, stderr: 0 },
    }),
  };
  const inputs = { Host: 'here', Script: 'true' };
  const world = { hosts: { here: vanished } };
  await expect(carryOut(command, inputs, null, world)).rejects.toMatchObject({
    code: 'COMMAND_VANISHED',
    effect: 'unknown',
  });
  const adopted = await carryOut(command, inputs, null, world, { lostReply: true });
  expect(adopted.ending).toMatchObject({
    kind: 'unknown',
    why: expect.stringContaining('the host was rebooted'),
  });
});

test('a secret in the command line is refused, in Env it is marked', async () => {
  await using here = localTestHost();
  const world = { hosts: { here: here.host }, secrets: ['hunter2'] };
  await expect(run(command, { Host: 'here', Command: ['echo', 'hunter2'] }, world)).rejects.toMatchObject({
    code: 'SECRET_NOT_ALLOWED',
  });
  expect(here.starts()).toBe(0);
  const done = await run(
    command,
    { Host: 'here', Script: 'echo "$P" | wc -c', Env: { P: 'hunter2' } },
    world,
  );
  expect(done.ending).toMatchObject({ kind: 'done', outputs: { Stdout: expect.stringContaining('8') } });
});

const tools = {
  isExpression: (value: unknown) => /\{\{/.test(String(value)),
  models: { check: () => [], resolve: () => undefined },
};
test.each([
  [{ Host: 'h' }, 'COMMAND_OR_SCRIPT'],
  [{ Host: 'h', Command: ['true'], Script: 'true' }, 'COMMAND_OR_SCRIPT'],
  [{ Host: 'h', Script: 'rm -rf /srv/{{ Name }}' }, 'EXPRESSION_IN_SCRIPT'],
])('validation refuses %#', (inputs, code) => {
  expect(command.check?.(inputs, tools).map((problem) => problem.code)).toEqual([code]);
});

test('a command leaves a change that a rollback must name', () => {
  expect(command.undo).toMatchObject({ kind: 'none', leavesChange: true });
});
