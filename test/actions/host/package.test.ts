/** What host:package makes of what its scripts say; the scripts run in test/lab/actions-host.test.ts and actions-packages.test.ts. */
import { expect, test } from 'vitest';
import { packageAction } from '../../../src/actions/host/package.ts';
import { withoutDemo } from '../../world/seeds.ts';
import { effectOf, observe, run, undo } from '../../support/action-bed.ts';
import { contextOf } from '../../support/action-context.ts';
import { sandboxHosts } from './sandbox.ts';

const Names = ['postgresql-15', 'postgresql-client-15', 'libpq5'];
const old = '15.18-0+deb12u1';
const fresh = '15.20-0+deb12u1';

test('upgrades all names and says from what to what, in their order; undo goes back exactly', async () => {
  const { world } = sandboxHosts();
  const inputs = { Host: 'db1', Names, Version: '15.20*' };
  const done = await run(packageAction, inputs, world);
  expect(done.ending).toMatchObject({
    kind: 'done',
    outputs: {
      Version: fresh,
      Versions: Object.fromEntries(Names.map((name) => [name, fresh])),
      Manager: 'apt',
      Changed: true,
    },
  });
  expect(done.ending.changes).toEqual(
    Names.map((subject) => ({ target: 'db1', subject, from: old, to: fresh })),
  );
  const undone = await undo(packageAction, done, world, { knowing: 'nothing' });
  expect(undone).toMatchObject({ kind: 'done' });
  expect(undone.changes).toHaveLength(3);
  expect(await observe(packageAction, inputs, world)).toEqual(done.before);
  expect(await undo(packageAction, done, world)).toMatchObject({ kind: 'done', changes: [] });
});

test('a package that was absent is removed again', async () => {
  const { world } = sandboxHosts(withoutDemo);
  const done = await run(packageAction, { Host: 'web1', Names: ['belay-demo'], Version: '1.0' }, world);
  expect(done.before).toEqual({
    manager: 'apt',
    packages: { 'belay-demo': { version: null, state: 'absent', held: false } },
  });
  expect(done.ending.changes).toEqual([{ target: 'web1', subject: 'belay-demo', from: null, to: '1.0' }]);
  expect(await undo(packageAction, done, world)).toMatchObject({
    kind: 'done',
    changes: [{ from: '1.0', to: null }],
  });
});

test('what is there already is left alone and said so', async () => {
  const { world } = sandboxHosts();
  const done = await run(packageAction, { Host: 'db1', Names, Version: old }, world);
  expect(done.ending).toMatchObject({
    kind: 'done',
    outputs: { Changed: false },
    changes: [],
    note: `postgresql-15 is ${old} already`,
  });
});

test('staged says what would be installed and changes nothing, so there is nothing to undo', async () => {
  const { world } = sandboxHosts();
  const inputs = { Host: 'db1', Names, Version: '15.20*', State: 'staged' };
  const done = await run(packageAction, inputs, world);
  expect(done.ending).toMatchObject({
    kind: 'done',
    outputs: { Version: fresh, Changed: false },
    changes: [],
    note: `postgresql-15 ${fresh} is fetched, 2 more; what it replaces is kept`,
  });
  expect(await observe(packageAction, inputs, world)).toEqual(done.before);
  const typo = await run(packageAction, { ...inputs, Version: '15.21*' }, world);
  expect(typo.ending).toMatchObject({ kind: 'failed', code: 'NO_SUCH_VERSION' });
  const already = await run(packageAction, { ...inputs, Version: old }, world);
  expect(already.ending).toMatchObject({ kind: 'done', note: `postgresql-15 is ${old} already` });
});

test('after a lost reply the one command is adopted', async () => {
  const { world, starts } = sandboxHosts();
  const done = await run(packageAction, { Host: 'db1', Names }, world, { lostReply: true });
  expect(done.ending).toMatchObject({ kind: 'done', outputs: { Version: fresh } });
  expect(starts()).toBe(1);
});

test('a version that nobody has is refused with those that exist', async () => {
  const { world } = sandboxHosts();
  const done = await run(packageAction, { Host: 'db1', Names, Version: '16.1' }, world);
  expect(done.ending).toMatchObject({
    kind: 'failed',
    code: 'NO_SUCH_VERSION',
    message: expect.stringContaining(old),
  });
});

test('every attempt of a step, and its undo, name one record on the host', async () => {
  const { world } = sandboxHosts();
  const inputs = { Host: 'db1', Names };
  const keys: (string | undefined)[] = [];
  const db1 = world.hosts?.['db1'];
  if (!db1) throw new Error('the sandbox has no db1');
  const watching = {
    ...world,
    hosts: {
      db1: {
        ...db1,
        start: (...args: Parameters<typeof db1.start>) => {
          keys.push(args[1].args?.[0]);
          return db1.start(...args);
        },
      },
    },
  };
  const first = await run(packageAction, inputs, watching);
  const effect = effectOf(packageAction, inputs);
  if (effect.kind !== 'begun') throw new Error('an installation is begun');
  await using context = await contextOf(watching);
  await effect.begin(inputs, first.before, context);
  await undo(packageAction, first, watching);
  expect(keys).toHaveLength(3);
  expect(new Set(keys).size).toBe(1);
});
