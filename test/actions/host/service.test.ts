/** What host:service makes of what its scripts say; the scripts themselves run in test/lab/actions-host.test.ts. */
import { expect, test } from 'vitest';
import { service } from '../../../src/actions/host/service.ts';
import { observe, run, undo } from '../../support/action-bed.ts';
import { sandboxHosts } from './sandbox.ts';

const cluster = { Host: 'db1', Name: 'postgresql@15-main' };

test('stops a unit and says from what to what; undo starts it again', async () => {
  const { world } = sandboxHosts();
  const done = await run(service, { ...cluster, State: 'stopped' }, world);
  expect(done.before).toEqual({ active: 'active', sub: expect.any(String), enabled: null, up: true });
  expect(done.ending).toMatchObject({
    kind: 'done',
    outputs: { ActiveState: 'inactive' },
    changes: [{ target: 'db1', subject: 'postgresql@15-main', from: 'active', to: 'inactive' }],
  });
  expect(await undo(service, done, world, { knowing: 'nothing' })).toMatchObject({
    kind: 'done',
    changes: [{ target: 'db1', subject: 'postgresql@15-main', from: 'inactive', to: 'active' }],
  });
  expect(await observe(service, done.inputs, world)).toEqual(done.before);
  expect(await undo(service, done, world)).toMatchObject({ kind: 'done', changes: [] });
});

test('enables and disables without touching the state, and undo goes back', async () => {
  const { world } = sandboxHosts();
  const inputs = { Host: 'web1', Name: 'nginx', Enabled: false };
  const done = await run(service, inputs, world);
  expect(done.ending).toMatchObject({
    kind: 'done',
    outputs: { ActiveState: 'active', UnitFileState: 'disabled' },
    changes: [{ target: 'web1', subject: 'nginx at boot', from: 'enabled', to: 'disabled' }],
  });
  await undo(service, done, world);
  expect(await observe(service, inputs, world)).toEqual(done.before);
});

test('after a lost reply the one command is adopted', async () => {
  const { world, starts } = sandboxHosts();
  const done = await run(service, { ...cluster, State: 'stopped' }, world, { lostReply: true });
  expect(done.ending).toMatchObject({ kind: 'done', changes: [{ from: 'active', to: 'inactive' }] });
  expect(starts()).toBe(1);
});

test('a unit that is as wanted already is left alone and confirmed, for an earlier step may have said otherwise', async () => {
  const { world } = sandboxHosts();
  const done = await run(service, { ...cluster, State: 'started' }, world);
  expect(done.ending).toMatchObject({
    kind: 'done',
    changes: [{ subject: 'postgresql@15-main', from: 'active', to: 'active' }],
    note: 'postgresql@15-main is active already',
  });
  expect(await undo(service, done, world)).toMatchObject({ kind: 'done', changes: [] });
});

test('a restart that changes no state says so in a note', async () => {
  const { world } = sandboxHosts();
  const done = await run(service, { Host: 'web1', Name: 'nginx', State: 'restarted' }, world);
  expect(done.ending).toMatchObject({ kind: 'done', changes: [], note: 'nginx restarted' });
});

test('the wrapper unit of Debian is named as what it is', async () => {
  const { world } = sandboxHosts();
  const done = await run(service, { Host: 'db1', Name: 'postgresql', State: 'started' }, world);
  expect(done.ending).toMatchObject({ kind: 'done', note: expect.stringContaining('wrapper on Debian') });
});

test('an unknown unit is refused with the host, before anything is begun', async () => {
  const { world, starts } = sandboxHosts();
  await expect(run(service, { Host: 'db1', Name: 'nosuch', State: 'started' }, world)).rejects.toMatchObject({
    code: 'UNIT_NOT_FOUND',
    message: 'db1 (sandbox) has no unit nosuch',
  });
  expect(starts()).toBe(0);
});

test('validation refuses a step that is told nothing', () => {
  const tools = { isExpression: () => false, models: { check: () => [], resolve: () => undefined } };
  expect(service.check?.(cluster, tools).map(({ code }) => code)).toEqual(['NOTHING_TO_DO']);
});
