/**
 * A state folder that is full, read-only, damaged or of a newer Belay, through the real command line: each is said in
 * a sentence with exit code 2, nothing is begun that is not on record, and with room again a resume ends well.
 */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Desk } from '../../support/command-line.ts';
import { executionsIn, expectTrouble } from './expect-trouble.ts';
import { noMounts, SmallDisk } from './small-disk.ts';

let desk: Desk;
beforeEach(() => {
  desk = new Desk();
  desk.write('belay.yaml', { hosts: { here: { transport: 'local' } } });
});
afterEach(() => desk[Symbol.dispose]());

const nap = { name: 'Nap', action: 'aws:sleep', inputs: { Duration: 'PT0S' } };

/** Appends a line to a file: how often it ran can be counted. */
function append(name: string, line: string): object {
  return {
    name,
    action: 'host:command',
    inputs: {
      Host: 'here',
      Script: 'echo "$LINE" >>"$FILE"',
      Env: { LINE: line, FILE: join(desk.folder, 'lines') },
    },
    undo: { none: 'the test looks at it' },
  };
}

function linesWritten(): string[] {
  return readFileSync(join(desk.folder, 'lines'), 'utf8').trim().split('\n');
}

const reason = noMounts();

describe.skipIf(reason)(
  `a full or read-only disk${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let disk: SmallDisk;
    beforeEach(() => (disk = new SmallDisk(desk.state, '2m')));
    afterEach(() => disk[Symbol.dispose]());

    test('that is full before the start refuses it, and the host is not touched', async () => {
      desk.write('append.yaml', { schemaVersion: '0.3', mainSteps: [append('One', 'one')] });
      disk.fill();
      const full = [
        2,
        'DISK_FULL',
        `no room is left in the state folder ${desk.state}`,
        'Make room',
      ] as const;
      expectTrouble(await desk.belay(['run', 'append.yaml']), ...full);
      expect(linesWritten).toThrow('ENOENT');
      disk.makeRoom();
      expect((await desk.belay(['run', 'append.yaml'])).code).toBe(0);
      disk.fill();
      for (const words of [['run', 'append.yaml'], ['list'], ['show'], ['logs']])
        expectTrouble(await desk.belay(words), ...full);
      expect(linesWritten()).toEqual(['one']);
      disk.makeRoom();
      expect(executionsIn(desk.state)).toBe(1);
    }, 60_000);

    test('that fills up in the middle stops the run where it is; with room again it ends well, and no step ran twice', async () => {
      desk.write('two.yaml', {
        schemaVersion: '0.3',
        mainSteps: [
          append('One', 'one'),
          { name: 'Nap', action: 'aws:sleep', inputs: { Duration: 'PT2S' } },
          append('Two', 'two'),
        ],
      });
      const going = desk.start(['run', 'two.yaml']);
      await going.writes(/▸ Nap/);
      disk.fill();
      const full = [2, 'DISK_FULL', 'no room is left', 'Make room', 'belay resume'] as const;
      expectTrouble(await going.said, ...full);
      expect(linesWritten()).toEqual(['one']);
      expectTrouble(await desk.belay(['resume']), ...full);
      expect(linesWritten()).toEqual(['one']);
      disk.makeRoom();
      expect((await desk.belay(['list'])).stdout).toMatch(/two +Interrupted/);
      const resumed = await desk.belay(['resume']);
      expect(resumed.stderr).toMatch(/✔ Two/);
      expect(resumed.code).toBe(0);
      expect(linesWritten()).toEqual(['one', 'two']);
    }, 60_000);

    test('that is too small for the output of a command stops the run; with room again the output is whole, and the command ran once', async () => {
      const script =
        'echo ran >>"$FILE"; head -c 3000000 /dev/zero | tr "\\0" x | fold -w 120; echo; echo end';
      desk.write('loud.yaml', {
        schemaVersion: '0.3',
        mainSteps: [
          {
            name: 'Loud',
            action: 'host:command',
            inputs: { Host: 'here', Script: script, Env: { FILE: join(desk.folder, 'lines') } },
            undo: { none: 'the test looks at it' },
          },
        ],
      });
      expectTrouble(await desk.belay(['run', 'loud.yaml']), 2, 'DISK_FULL', 'no room is left', desk.state);
      disk.remount('size=8m');
      expect((await desk.belay(['list'])).stdout).toMatch(/loud +Interrupted/);
      expect((await desk.belay(['resume'])).code).toBe(0);
      expect(linesWritten()).toEqual(['ran']);
      const said = await desk.belay(['logs']);
      expect(said.stdout.length).toBe(3_000_000 + 25_000 + 'end\n'.length);
      expect(said.stdout).toMatch(/x\nend\n$/);
    }, 60_000);

    test('that fills up in the middle of a sandbox run stops it, and a resume ends well', async () => {
      desk.write('stop.yaml', {
        schemaVersion: '0.3',
        mainSteps: [
          { name: 'Nap', action: 'aws:sleep', inputs: { Duration: 'PT2S' } },
          {
            name: 'Stop',
            action: 'host:service',
            inputs: { Host: 'db1', Name: 'postgresql@15-main', State: 'stopped' },
          },
        ],
      });
      const going = desk.start(['run', 'stop.yaml', '--sandbox']);
      await going.writes(/▸ Nap/);
      // Room for the journal's next lines, and none for a second copy of the world.
      disk.fill();
      truncateSync(join(desk.state, 'filler'), statSync(join(desk.state, 'filler')).size - 8 * 1024);
      expectTrouble(await going.said, 2, 'DISK_FULL', 'no room is left');
      disk.makeRoom();
      expect((await desk.belay(['resume'])).stderr).toMatch(/postgresql@15-main active → inactive/);
    }, 60_000);

    test('that is read-only says so, for looking and for running', async () => {
      desk.write('nap.yaml', { schemaVersion: '0.3', mainSteps: [nap] });
      disk.remount('ro');
      for (const words of [['run', 'nap.yaml'], ['list']])
        expectTrouble(await desk.belay(words), 2, 'JOURNAL_UNUSABLE', desk.state, 'read-only', '--state');
      disk.remount('rw');
      expect((await desk.belay(['run', 'nap.yaml'])).code).toBe(0);
      disk.remount('ro');
      for (const words of [['run', 'nap.yaml'], ['show'], ['resume']])
        expectTrouble(await desk.belay(words), 2, 'JOURNAL_UNUSABLE', 'read-only');
      disk.remount('rw');
      expect(executionsIn(desk.state)).toBe(1);
    }, 60_000);
  },
);

describe('a state folder that cannot be one', () => {
  test('because a file is there says so', async () => {
    desk.write('nap.yaml', { schemaVersion: '0.3', mainSteps: [nap] });
    desk.write('state', 'a file');
    expectTrouble(
      await desk.belay(['run', 'nap.yaml']),
      2,
      'JOURNAL_UNUSABLE',
      desk.state,
      'it is a file',
      '--state',
    );
    const below = await desk.belay(['list'], { state: join(desk.state, 'below') });
    expectTrouble(below, 2, 'JOURNAL_UNUSABLE', 'a part of its path is a file');
  });
});

describe('a journal', () => {
  const words = [['run', 'append.yaml'], ['list'], ['show'], ['resume']];

  /** Executions enough for several pages. */
  async function aJournal(): Promise<string> {
    desk.write('append.yaml', { schemaVersion: '0.3', mainSteps: [append('One', 'one')] });
    const { code } = await desk.belay(['run', 'append.yaml']);
    expect(code).toBe(0);
    return join(desk.state, 'journal.db');
  }

  async function refusedAndUntouched(file: string, code: string, ...says: readonly string[]): Promise<void> {
    const before = sha256(file);
    for (const each of words) expectTrouble(await desk.belay(each), 2, code, desk.state, ...says);
    expect(sha256(file)).toBe(before);
    expect(linesWritten()).toEqual(['one']);
  }

  test('that is garbage is refused, and stays as it is', async () => {
    const file = await aJournal();
    writeFileSync(file, Buffer.alloc(40_000, 'garbage, not a database. '));
    await refusedAndUntouched(file, 'JOURNAL_CORRUPT', 'damaged', 'file was not changed', 'another --state');
  }, 60_000);

  test('that is cut in the middle is refused, and stays as it is', async () => {
    const file = await aJournal();
    truncateSync(file, Math.floor(statSync(file).size / 8192) * 4096);
    await refusedAndUntouched(file, 'JOURNAL_CORRUPT', 'damaged', 'restore it from a backup');
  }, 60_000);

  test('whose pages were overwritten is refused, and stays as it is', async () => {
    const file = await aJournal();
    const bytes = readFileSync(file);
    bytes.fill(0xa5, 4096);
    writeFileSync(file, bytes);
    await refusedAndUntouched(file, 'JOURNAL_CORRUPT', 'damaged');
  }, 60_000);

  test('of a newer Belay is refused by its format, and stays as it is', async () => {
    const file = await aJournal();
    const database = new DatabaseSync(file);
    database.exec('PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE);');
    database.close();
    await refusedAndUntouched(file, 'JOURNAL_NEWER', 'newer Belay', 'format 99', 'Use that version');
  }, 60_000);

  test('can be read by its owner only, also in a folder that is open to all', async () => {
    mkdirSync(desk.state, { mode: 0o755 });
    await aJournal();
    const open = readdirSync(desk.state, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .filter((file) => !file.includes('/executions/') && (statSync(file).mode & 0o077) !== 0);
    expect(open).toEqual([]);
  });
});

test('a saved sandbox that is damaged is refused in a sentence', async () => {
  desk.write('nap.yaml', {
    schemaVersion: '0.3',
    mainSteps: [{ name: 'Pause', action: 'aws:pause', inputs: {} }],
  });
  expect((await desk.belay(['run', 'nap.yaml', '--sandbox', '--no-wait'])).code).toBe(6);
  const [id = ''] = readdirSync(join(desk.state, 'executions'));
  const world = join(desk.state, 'executions', id, 'world.json');
  copyFileSync(world, `${world}.kept`);
  writeFileSync(world, '{"format": 1, "hosts": [');
  await desk.belay(['continue', id]);
  expectTrouble(await desk.belay(['resume']), 2, 'world.json', 'cannot be read', 'Delete the file');
  copyFileSync(`${world}.kept`, world);
  expect((await desk.belay(['resume'])).code).toBe(0);
});

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
