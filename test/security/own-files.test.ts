/** Files and folders of another user, and paths that are made to hang: Belay reads none and writes none. */
import { chmodSync, chownSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builtBelay } from '../support/built.ts';
import { Desk } from '../support/command-line.ts';

/** The user `nobody`, who is everywhere. */
const stranger = 65_534;
const reason = process.getuid?.() === 0 ? undefined : 'only root can give files to another user';

let desk: Desk;
beforeEach(() => {
  desk = new Desk();
  desk.write('say.yaml', {
    schemaVersion: '0.3',
    parameters: { S: { type: 'String', secret: true }, P: { type: 'String', default: 'x' } },
    mainSteps: [
      {
        name: 'Say',
        action: 'host:command',
        inputs: { Host: 'here', Script: 'true', Env: { S: '{{ S }}', P: '{{ P }}' } },
        undo: { none: 'a test' },
      },
    ],
  });
});
afterEach(() => desk[Symbol.dispose]());

const hosts = { hosts: { here: { transport: 'local' } } };
const words = ['run', 'say.yaml', '-y', '--secret', 'S=env:S'];
const env = { S: 'long-enough' };

async function refused(
  way: Parameters<Desk['belay']>[1] = {},
  more: readonly string[] = [],
): Promise<string> {
  const said = await desk.belay([...words, ...more], { env, ...way });
  expect({ code: said.code, stderr: said.stderr }).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('UNTRUSTED_FILE'),
  });
  return said.stderr;
}

describe.skipIf(reason)(`another user${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  test('plants no belay.yaml that sends a secret to his host', async () => {
    const file = desk.write('belay.yaml', hosts);
    chownSync(file, stranger, stranger);
    expect(await refused()).toMatch(/belay\.yaml is owned by nobody.*\n.*chown root/);
    chownSync(file, 0, 0);
    for (const [mode, mend] of [
      [0o646, 'chmod o-w'],
      [0o666, 'chmod o-w'],
    ] as const) {
      chmodSync(file, mode);
      expect(await refused()).toContain(mend);
    }
    chmodSync(file, 0o644);
    chmodSync(desk.folder, 0o777);
    expect(await refused()).toContain(`chmod o-w ${desk.folder}`);
    chmodSync(desk.folder, 0o700);
    expect((await desk.belay(words, { env })).code).toBe(0);
  });

  test('makes nobody wait at a pipe in the place of belay.yaml, and hands none over by it', async () => {
    const pipe = join(desk.folder, 'belay.yaml');
    execFileSync('mkfifo', [pipe]);
    chownSync(pipe, stranger, stranger);
    expect(await refused()).toMatch(/belay\.yaml is owned by nobody/);
    rmSync(pipe);
    desk.write('belay.yaml', hosts);
    const parameters = join(desk.folder, 'p.yaml');
    execFileSync('mkfifo', ['-m', '666', parameters]);
    expect(await refused({}, ['--params-file', 'p.yaml'])).toContain('can be written by everybody');
  });

  test('swaps no parameter file and no key file', async () => {
    desk.write('belay.yaml', hosts);
    const parameters = desk.write('p.yaml', 'P: y\n');
    chownSync(parameters, stranger, stranger);
    expect(await refused({}, ['--params-file', 'p.yaml'])).toContain('p.yaml is owned by nobody');
    const key = desk.write('key', 'long-enough-too');
    chmodSync(key, 0o602);
    const said = await desk.belay(['run', 'say.yaml', '-y', '--secret', `S=file:${key}`]);
    expect(said).toMatchObject({ code: 2, stderr: expect.stringContaining('can be written by everybody') });
  });

  test('writes no window file and no compliance file', async () => {
    desk.write('belay.yaml', hosts);
    const window = desk.write('windows/nap.yaml', {
      Name: 'nap',
      Schedule: 'rate(1 day)',
      Duration: 2,
      Cutoff: 1,
      Tasks: [{ Name: 'nap', Runbook: '../say.yaml' }],
    });
    chownSync(window, stranger, stranger);
    const windows = await desk.belay(['window', 'validate']);
    expect(windows.code).toBe(2);
    expect(windows.stdout + windows.stderr).toContain('nap.yaml is owned by nobody');
    const rules = desk.write('rules.yaml', { Name: 'r', Rules: [] });
    chmodSync(rules, 0o666);
    expect(await desk.belay(['check', 'rules.yaml'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('rules.yaml can be written by everybody'),
    });
  });

  test('owns no state folder that Belay keeps executions in, and lays no link into its logs', async () => {
    desk.write('belay.yaml', hosts);
    const state = join(desk.folder, 'theirs');
    mkdirSync(state);
    chownSync(state, stranger, stranger);
    expect(await refused({ state })).toContain('theirs is owned by nobody');
    chownSync(state, 0, 0);
    chmodSync(state, 0o777);
    expect(await refused({ state })).toContain('can be written by everybody');
  });
});

test('belay.yaml above the working folder counts within a repository alone', async () => {
  const below = join(desk.folder, 'deep', 'down');
  mkdirSync(below, { recursive: true });
  const configuration = desk.write('belay.yaml', hosts);
  const file = desk.write('deep/down/say.yaml', {
    schemaVersion: '0.3',
    mainSteps: [
      { name: 'A', action: 'host:command', inputs: { Host: 'here', Script: 'true' }, undo: { none: 'x' } },
    ],
  });
  const run = (more: readonly string[] = []) => desk.belay(['run', file, '-y', ...more], { cwd: below });
  expect(await run()).toMatchObject({ code: 2, stderr: expect.stringContaining('UNKNOWN_HOST') });
  expect(await run(['--config', configuration])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining(`those of ${configuration} (--config)`),
  });
  mkdirSync(join(desk.folder, '.git'));
  expect((await run()).code).toBe(0);
});

test.each(['/proc/x', '/proc/self/x/y', '/dev/null/x', '/sys/x'])(
  '--state %s ends in a sentence',
  async (state) => {
    desk.write('belay.yaml', hosts);
    const said = await desk.belay(words, { env, state });
    expect(said.code).toBe(2);
    expect(said.stderr).toContain('JOURNAL_UNUSABLE');
  },
  20_000,
);

test('an endless file is not read to its end', async () => {
  desk.write('belay.yaml', hosts);
  const said = await desk.belay(['run', 'say.yaml', '-y', '--secret', 'S=file:/dev/zero']);
  expect(said).toMatchObject({ code: 2, stderr: expect.stringContaining('is longer than 16777216 bytes') });
  const runbook = await desk.belay(['validate', '/dev/zero']);
  expect(runbook).toMatchObject({ code: 2, stderr: expect.stringContaining('is longer than') });
}, 20_000);

test('a link that lies where a log is written is not followed', async () => {
  desk.write('belay.yaml', hosts);
  const victim = desk.write('victim', 'as it was');
  desk.write('pause.yaml', {
    schemaVersion: '0.3',
    mainSteps: [
      { name: 'Wait', action: 'aws:pause', inputs: {} },
      {
        name: 'Say',
        action: 'host:command',
        inputs: { Host: 'here', Script: 'echo over' },
        undo: { none: 'x' },
      },
    ],
  });
  const run = await desk.belay(['run', 'pause.yaml', '-y', '--no-wait']);
  const id = /([0-9A-HJKMNP-TV-Z]{12})/.exec(run.stderr)?.[1] ?? '';
  const logs = join(desk.state, 'executions', id, 'logs');
  mkdirSync(logs, { recursive: true });
  rmSync(join(logs, 'Say@here.stdout'), { force: true });
  symlinkSync(victim, join(logs, 'Say@here.stdout'));
  await desk.belay(['continue', id]);
  await desk.belay(['resume', id]);
  expect(statSync(victim).size).toBe('as it was'.length);
  writeFileSync(victim, '');
});

test('a pipe to which nobody writes holds nobody up, and one to which somebody writes is read', async () => {
  desk.write('belay.yaml', hosts);
  const pipe = join(desk.folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  for (const more of [
    ['validate', 'pipe'],
    ['run', 'say.yaml', '-y', '--secret', 'S=env:S', '--params-file', 'pipe'],
  ])
    expect(await desk.belay(more, { env })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('pipe is a pipe, and nobody writes to it'),
    });
  const going = desk.belay(['validate', 'pipe']);
  execFileSync('sh', ['-c', 'exec cat say.yaml >pipe'], { cwd: desk.folder });
  expect((await going).stderr).toContain('pipe is sound');
  const anonymous = `${process.execPath} ${builtBelay()} validate /dev/stdin 2>&1`;
  expect(
    execFileSync('sh', ['-c', `(sleep 0.3; cat say.yaml) | ${anonymous}`], { cwd: desk.folder }).toString(),
  ).toContain('sound');
}, 120_000);

test('a pipe in the place of a store of the state folder ends in a sentence', async () => {
  desk.write('belay.yaml', hosts);
  desk.write('windows/nap.yaml', {
    Name: 'nap',
    Schedule: 'rate(1 day)',
    Duration: 2,
    Cutoff: 1,
    Tasks: [{ Name: 'nap', Runbook: '../say.yaml' }],
  });
  for (const [name, more] of [
    ['journal', ['list']],
    ['windows', ['window', 'list']],
    ['compliance', ['findings']],
    ['notify', ['notify', 'list']],
  ] as const) {
    const state = join(desk.folder, `state-${name}`);
    mkdirSync(state, { mode: 0o700 });
    execFileSync('mkfifo', [join(state, `${name}.db`)]);
    const said = await desk.belay(more, { state });
    expect(said.stdout + said.stderr).toContain(`${name}.db is not a file (a pipe)`);
  }
}, 120_000);
