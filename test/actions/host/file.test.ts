import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { contentBytesMax, file } from '../../../src/actions/host/file.ts';
import type { Host } from '../../../src/transports/host.ts';
import { observe, run, undo } from '../../support/action-bed.ts';
import { localTestHost } from './local.ts';

const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8);

test('replaces the bytes and mode, and undo puts exactly the previous ones back', async () => {
  await using here = localTestHost();
  const path = join(here.folder, 'app.conf');
  writeFileSync(path, 'old = 1\r\n\0binary\xff', 'latin1');
  chmodSync(path, 0o640);
  const world = { hosts: { here: here.host } };

  const done = await run(file, { Host: 'here', Path: path, Content: 'new = 2\n', Mode: '0600' }, world);

  expect(done.ending).toMatchObject({ kind: 'done', outputs: { Changed: true } });
  expect(readFileSync(path, 'utf8')).toBe('new = 2\n');
  expect(modeOf(path)).toBe('600');
  expect(done.ending.changes).toEqual([
    expect.objectContaining({
      target: 'here',
      subject: path,
      to: expect.stringMatching(/^sha256 [0-9a-f]{8} 0600$/),
    }),
  ]);
  expect(JSON.stringify(done)).not.toContain('old = 1');

  const undone = await undo(file, done, world);
  expect(undone).toMatchObject({ kind: 'done', changes: [{ subject: path }] });
  expect(readFileSync(path, 'latin1')).toBe('old = 1\r\n\0binary\xff');
  expect(modeOf(path)).toBe('640');
  expect(await observe(file, done.inputs, world)).toEqual(done.before);

  const again = await undo(file, done, world);
  expect(again).toMatchObject({ kind: 'done', changes: [] });
  expect(readdirSync(here.folder).filter((name) => name.startsWith('.belay'))).toEqual([]);
});

test('a new file is made, and undo removes it', async () => {
  await using here = localTestHost();
  const path = join(here.folder, 'new.conf');
  const world = { hosts: { here: here.host } };
  const done = await run(file, { Host: 'here', Path: path, Content: 'x' }, world);
  expect(done.ending).toMatchObject({ kind: 'done', changes: [{ from: null }] });
  expect(modeOf(path)).toBe('644');
  expect(await undo(file, done, world, { knowing: 'nothing' })).toMatchObject({
    kind: 'done',
    changes: [{ to: null }],
  });
  expect(existsSync(path)).toBe(false);
});

test('a file that is to be absent is removed, and undo brings it back', async () => {
  await using here = localTestHost();
  const path = join(here.folder, 'old.conf');
  writeFileSync(path, 'keep me');
  const world = { hosts: { here: here.host } };
  const done = await run(file, { Host: 'here', Path: path, State: 'absent' }, world);
  expect(existsSync(path)).toBe(false);
  expect(done.ending).toMatchObject({
    kind: 'done',
    outputs: { Sha256: null, Changed: true },
    changes: [{ to: null }],
  });
  await undo(file, done, world);
  expect(readFileSync(path, 'utf8')).toBe('keep me');
});

test('a file that is right already is left alone', async () => {
  await using here = localTestHost();
  const path = join(here.folder, 'same.conf');
  writeFileSync(path, 'same\n');
  const { ino } = statSync(path);
  const world = { hosts: { here: here.host } };
  const done = await run(file, { Host: 'here', Path: path, Content: 'same\n' }, world);
  expect(done.ending).toMatchObject({ kind: 'done', outputs: { Changed: false }, changes: [] });
  expect(statSync(path).ino).toBe(ino);
});

test('a second attempt keeps the bytes from before the first', async () => {
  await using here = localTestHost();
  const path = join(here.folder, 'a.conf');
  writeFileSync(path, 'original');
  const world = { hosts: { here: here.host } };
  const inputs = { Host: 'here', Path: path, Content: 'changed' };
  const first = await run(file, inputs, world);
  const second = await run({ ...file, observe: async () => first.before }, inputs, world);
  expect(second.ending).toMatchObject({ kind: 'done' });
  await undo(file, second, world);
  expect(readFileSync(path, 'utf8')).toBe('original');
});

test('after a lost reply the first write is adopted and nothing is written twice', async () => {
  await using here = localTestHost();
  const path = join(here.folder, 'a.conf');
  const world = { hosts: { here: here.host } };
  const done = await run(file, { Host: 'here', Path: path, Content: 'once' }, world, { lostReply: true });
  expect(done.ending).toMatchObject({ kind: 'done', outputs: { Changed: true } });
  expect(here.starts()).toBe(1);
});

test('previous bytes are kept on the host for nobody else to read, and go when they are put back', async () => {
  await using here = localTestHost();
  const path = join(here.folder, 'secret.conf');
  writeFileSync(path, 'password = hunter2');
  const world = { hosts: { here: here.host } };
  const done = await run(file, { Host: 'here', Path: path, Content: 'x' }, world);
  const kept = join(here.folder, 'kept', 'files');
  const [name = ''] = readdirSync(kept);
  expect(modeOf(join(kept, name))).toBe('600');
  expect(modeOf(kept)).toBe('700');
  await undo(file, done, world);
  expect(readdirSync(kept)).toEqual([]);
});

test('undo says so when the kept bytes are gone or damaged, and leaves the file', async () => {
  await using here = localTestHost();
  const path = join(here.folder, 'a.conf');
  writeFileSync(path, 'original');
  const world = { hosts: { here: here.host } };
  const done = await run(file, { Host: 'here', Path: path, Content: 'changed' }, world);
  const kept = join(here.folder, 'kept', 'files');
  const [name = ''] = readdirSync(kept);
  writeFileSync(join(kept, name), 'tampered');
  expect(await undo(file, done, world)).toMatchObject({ kind: 'failed', code: 'BACKUP_DAMAGED' });
  expect(readFileSync(path, 'utf8')).toBe('changed');
});

test('a file that somebody changed after it was looked at is not overwritten', async () => {
  await using here = localTestHost();
  const path = join(here.folder, 'a.conf');
  writeFileSync(path, 'seen');
  const world = { hosts: { here: here.host } };
  const before = await observe(file, { Host: 'here', Path: path, Content: 'x' }, world);
  writeFileSync(path, 'changed by a person');
  const late = await run(
    { ...file, observe: async () => before },
    { Host: 'here', Path: path, Content: 'x' },
    world,
  );
  expect(late.ending).toMatchObject({ kind: 'failed', code: 'CHANGED_MEANWHILE' });
  expect(readFileSync(path, 'utf8')).toBe('changed by a person');
});

test('links, folders, missing folders and unknown owners are refused by name', async () => {
  await using here = localTestHost();
  const world = { hosts: { here: here.host } };
  const link = join(here.folder, 'link');
  symlinkSync('/etc/hostname', link);
  mkdirSync(join(here.folder, 'folder'));
  await expect(run(file, { Host: 'here', Path: link, Content: 'x' }, world)).rejects.toThrow(/symbolic link/);
  await expect(
    run(file, { Host: 'here', Path: join(here.folder, 'folder'), Content: 'x' }, world),
  ).rejects.toMatchObject({
    code: 'NOT_A_FILE',
  });
  const nowhere = await run(file, { Host: 'here', Path: join(here.folder, 'no/such'), Content: 'x' }, world);
  expect(nowhere.ending).toMatchObject({ kind: 'failed', code: 'NO_SUCH_FOLDER' });
  const path = join(here.folder, 'owned');
  const nobody = await run(file, { Host: 'here', Path: path, Content: 'x', Owner: 'nosuchuser' }, world);
  expect(nobody.ending).toMatchObject({ kind: 'failed', code: 'NO_SUCH_OWNER' });
  expect(existsSync(path)).toBe(false);
});

test('content beyond 256 KiB is refused before anything happens', async () => {
  await using here = localTestHost();
  const path = join(here.folder, 'large');
  const inputs = { Host: 'here', Path: path, Content: 'x'.repeat(contentBytesMax + 1) };
  await expect(run(file, inputs, { hosts: { here: here.host } })).rejects.toMatchObject({
    code: 'FILE_TOO_LARGE',
  });
  expect(here.starts()).toBe(0);
});

test('a path is never read as shell text', async () => {
  await using here = localTestHost();
  const path = join(here.folder, `a b;touch $(pwd)'"\\x`);
  const world = { hosts: { here: here.host } };
  const done = await run(file, { Host: 'here', Path: path, Content: 'x' }, world);
  expect(done.ending).toMatchObject({ kind: 'done' });
  expect(readFileSync(path, 'utf8')).toBe('x');
});

test('a new file with a secret in it is for its owner alone, unless the step says otherwise', async () => {
  await using here = localTestHost();
  const world = { hosts: { here: here.host }, secrets: ['hunter2'] };
  for (const [name, more, mode] of [
    ['own', {}, '600'],
    ['said', { Mode: '0640' }, '640'],
  ] as const) {
    const path = join(here.folder, name);
    await run(file, { Host: 'here', Path: path, Content: 'x = hunter2', ...more }, world);
    expect(modeOf(path)).toBe(mode);
  }
});

test('secret content is marked so that no third party stores it', async () => {
  await using here = localTestHost();
  const marks: (boolean | undefined)[] = [];
  const host: Host = {
    ...here.host,
    start: (token, script, options) => {
      marks.push(script.secret);
      return here.host.start(token, script, options);
    },
  };
  const inputs = { Host: 'here', Path: join(here.folder, 's'), Content: 'hunter2' };
  await run(file, inputs, { hosts: { here: host }, secrets: ['hunter2'] });
  await run(file, inputs, { hosts: { here: host } });
  expect(marks).toEqual([true, false]);
});

const noTools = { isExpression: () => false, models: { check: () => [], resolve: () => undefined } };
test.each([
  [{ Host: 'h', Path: '/a' }, 'CONTENT_MISSING'],
  [{ Host: 'h', Path: '/a', State: 'absent', Mode: '0600' }, 'CONTENT_OF_ABSENT'],
  [{ Host: 'h', Path: '/a', Content: 'x'.repeat(contentBytesMax + 1) }, 'FILE_TOO_LARGE'],
])('validation refuses %#', (inputs, code) => {
  expect(file.check?.(inputs, noTools).map((problem) => problem.code)).toEqual([code]);
});
