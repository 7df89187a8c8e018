/**
 * Somebody, a disk or another version has written something else into what Belay keeps of windows, findings and messages: it is told,
 * or read as unknown; it ends in no bug of Belay's, and it holds up nothing but what it is about.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isThorough } from '../evidence/sample.ts';
import { belayHere } from '../support/belay-here.ts';
import { Desk, type Said } from '../support/command-line.ts';

let desk: Desk;
const nap = { name: 'Nap', action: 'aws:sleep', inputs: { Duration: 'PT1S' } };
const window = (name: string) => ({
  Name: name,
  Schedule: 'cron(0 2 ? * SUN *)',
  Duration: 2,
  Cutoff: 1,
  Tasks: [{ Name: 'nap', Runbook: '../nap.yaml', Reserve: 'PT5M' }],
});
const hosts = { here: { transport: 'local' } };
const notify = { all: { command: ['false'] } };

beforeAll(async () => {
  desk = new Desk();
  desk.write('belay.yaml', { hosts, notify });
  desk.write('nap.yaml', { schemaVersion: '0.3', mainSteps: [nap] });
  desk.write('fail.yaml', {
    schemaVersion: '0.3',
    mainSteps: [
      { name: 'A', action: 'host:command', inputs: { Host: 'here', Script: 'exit 1' }, undo: { none: 'x' } },
    ],
  });
  for (const name of ['one', 'two']) desk.write(`windows/${name}.yaml`, window(name));
  desk.write('compliance/rules.yaml', {
    Name: 'rules',
    Rules: [
      {
        Name: 'motd',
        Check: 'check:file',
        Targets: ['here'],
        Inputs: { Path: join(desk.folder, 'none'), State: 'file' },
      },
    ],
  });
  const made: Said[] = [];
  for (const name of ['one', 'two']) {
    made.push(await desk.belay(['window', 'run', name, '--now']));
    made.push(await desk.belay(['window', 'pause', name, '--why', 'a test']));
  }
  made.push(await desk.belay(['run', 'fail.yaml', '-y']), await desk.belay(['check']));
  expect(
    made.map(({ code }) => code),
    made.map(({ stderr }) => stderr).join('\n'),
  ).toEqual([0, 0, 0, 0, 1, 8]);
}, 120_000);
afterAll(() => desk[Symbol.dispose]());

const strange = fc.constantFrom<unknown>(
  null,
  true,
  -1,
  1e308,
  '',
  '__proto__',
  '\u001B[2J',
  [],
  {},
  [null],
  [{}],
  { toString: null, length: 1e9 },
  'x'.repeat(5_000),
);

/** One member, at any depth, is another or gone; or the whole is. */
function damaged(json: string, way: number, put: unknown): string {
  const holder: { whole: unknown } = { whole: JSON.parse(json) };
  const found: { readonly of: object; readonly key: string }[] = [];
  const walk = (of: object): void => {
    for (const [key, member] of Object.entries(of)) {
      found.push({ of, key });
      if (typeof member === 'object' && member !== null) walk(member as object);
    }
  };
  walk(holder);
  const place = found[way % found.length];
  if (place === undefined || way % 11 === 0) return json.slice(0, json.length / 2);
  if (way % 5 === 0 && place.of !== holder && !Array.isArray(place.of))
    Reflect.deleteProperty(place.of, place.key);
  else Reflect.set(place.of, place.key, put);
  return JSON.stringify(holder.whole);
}

function isJson(cell: string): boolean {
  try {
    return typeof JSON.parse(cell) === 'object';
  } catch {
    return false;
  }
}

/** A copy of the state folder in which one cell of that store is another. `what`: its table and column. */
function damagedCopy(store: string, { seed, way, put }: { seed: number; way: number; put: unknown }) {
  const folder = mkdtempSync(join(tmpdir(), 'belay-damaged-'));
  cpSync(desk.state, folder, { recursive: true });
  using db = new DatabaseSync(join(folder, store));
  db.exec('PRAGMA busy_timeout = 10000');
  const cells = db
    .prepare(
      `SELECT t.name AS tbl, c.name AS col, c.type AS type FROM sqlite_schema t, pragma_table_info(t.name) c
       WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND c.pk = 0`,
    )
    .all()
    .filter(({ tbl }) => db.prepare(`SELECT 1 FROM ${String(tbl)}`).get() !== undefined);
  const { tbl, col, type } = cells[seed % cells.length] ?? {};
  const what = `${String(tbl)}.${String(col)}`;
  const rows = db.prepare(`SELECT CAST(${String(col)} AS TEXT) AS cell FROM ${String(tbl)}`).all();
  const cell = String(rows[way % rows.length]?.['cell']);
  const is = `WHERE CAST(${String(col)} AS TEXT) = ?`;
  if (type === 'INTEGER')
    db.exec(
      `UPDATE ${String(tbl)} SET ${String(col)} = ${way % 2 === 0 ? '9223372036854775807' : '-9007199254740991'}`,
    );
  else
    db.prepare(`UPDATE ${String(tbl)} SET ${String(col)} = ? ${is}`).run(
      isJson(cell) ? damaged(cell, way, put) : (JSON.stringify(put) ?? ''),
      cell,
    );
  return { folder, what };
}

const commands: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'windows.db': [
    ['window', 'list'],
    ['window', 'list', '--json'],
    ...['one', 'two'].flatMap((name) => [
      ['window', 'show', name],
      ['window', 'history', name],
      ['window', 'history', name, '--json'],
      ['window', 'next', name],
      ['window', 'skip', name],
      ['window', 'run', name, '--now'],
      ['window', 'resume', name],
      ['window', 'cancel', name],
    ]),
  ],
  'compliance.db': [
    ['findings'],
    ['findings', '--json'],
    ['ack', 'motd', '--why', 'a test', '--until', '30d'],
    ['check'],
    ['findings', '--open'],
  ],
  'notify.db': [['notify', 'list'], ['notify', 'list', '--json'], ['list'], ['run', 'fail.yaml', '-y']],
};

describe.for(Object.entries(commands))('%s', ([store, every]) => {
  test('with any value in any of its cells ends no command in a bug', { timeout: 240_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), strange, async (seed, way, put) => {
        const { folder, what } = damagedCopy(store, { seed, way, put });
        const env = { PATH: process.env['PATH'] ?? '', HOME: desk.folder, BELAY_STATE: folder, TZ: 'UTC' };
        try {
          for (const words of every) {
            const said = await belayHere(words, { cwd: desk.folder, env }).catch((error: unknown) => {
              throw new Error(`${words.join(' ')}, with another ${what}`, { cause: error });
            });
            const all = said.stdout + said.stderr;
            expect(all, `${words.join(' ')}, ${what}`).not.toContain('JOURNAL_CORRUPT');
            expect(all).not.toContain('\u001B[2J');
          }
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      }),
      { numRuns: isThorough ? 400 : 15 },
    );
  });
});

test('a damaged run of a window is told and closed by a person, and the other window goes on meanwhile', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'belay-damaged-'));
  try {
    cpSync(desk.state, folder, { recursive: true });
    {
      using db = new DatabaseSync(join(folder, 'windows.db'));
      db.exec(
        "UPDATE occurrences SET record = '{}' WHERE window = 'one'; DELETE FROM words WHERE kind = 'pause'",
      );
    }
    const listed = await desk.belay(['window', 'list'], { state: folder });
    expect(listed.stderr).toMatch(/what windows\.db has of one@\S+ is damaged \(it must have/);
    expect(listed.stdout).toMatch(/one +DAMAGED/);
    const going = desk.start(['daemon'], { state: folder });
    await going.writes(/what windows\.db has of one@/);
    const until = async (words: readonly string[], isSo: (stdout: string) => boolean): Promise<void> => {
      while (!isSo((await desk.belay(words, { state: folder })).stdout)) {
        expect(going.process.exitCode).toBe(null);
        await sleep(300);
      }
    };
    await until(['window', 'history', 'two', '--json'], (said) => said.includes('"status": "SUCCESS"'));
    expect((await desk.belay(['window', 'cancel', 'one'], { state: folder })).code).toBe(0);
    await until(['window', 'list', '--json'], (said) => !said.includes('DAMAGED'));
    expect((await desk.belay(['window', 'run', 'one', '--now'], { state: folder })).code).toBe(0);
    going.process.kill('SIGTERM');
    await going.said;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);
