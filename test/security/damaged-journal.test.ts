/**
 * Somebody, or a disk, changes what the journal has of one execution: every command says which execution that is, and goes on with the
 * others. Nothing of it is a bug of Belay's.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { belayHere } from '../support/belay-here.ts';
import { Desk, idOf } from '../support/command-line.ts';
import { isThorough } from '../evidence/sample.ts';

const nap = { name: 'Nap', action: 'aws:sleep', inputs: { Duration: 'PT1S' } };
const file = (name: string) => ({
  name,
  action: 'host:file',
  inputs: { Host: 'db1', Path: `/etc/belay-${name}`, Content: 'x' },
});
const runbooks = {
  ended: [nap],
  waits: [
    { name: 'Ask', action: 'aws:approve', inputs: { Message: 'May I?', Approvers: ['somebody'] } },
    nap,
  ],
  paused: [{ name: 'Look', action: 'aws:pause', inputs: {} }],
  undone: [file('Write'), file('Again')],
  parent: [
    {
      name: 'Below',
      action: 'aws:executeAutomation',
      inputs: { DocumentName: 'ended' },
    },
    { name: 'Look', action: 'aws:pause', inputs: {} },
  ],
} as const;
type Name = keyof typeof runbooks;
const names = Object.keys(runbooks) as Name[];

/** JSON of the journal, with the rows of one execution. */
const places = [
  ['executions', 'settings', 'id'],
  ['executions', 'input', 'id'],
  ['executions', 'program', 'id'],
  ['executions', 'runner', 'id'],
  ['executions', 'closing', 'id'],
  ['executions', 'summary', 'id'],
  ['executions', 'created_at', 'id'],
  ['executions', 'forgotten_at', 'id'],
  ['events', 'event', 'execution'],
  ['events', 'event', 'execution'],
  ['events', 'event', 'execution'],
  ['events', 'at', 'execution'],
  ['activities', 'outcome', 'execution'],
  ['activities', 'started_at', 'execution'],
] as const;
const numbers = new Set(['created_at', 'forgotten_at', 'at', 'started_at']);

const strange = fc.constantFrom<unknown>(
  null,
  true,
  0,
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

/** One member, at any depth, is left out or exchanged; or the whole is. */
function damaged(json: string, seed: number, put: unknown): string {
  const holder: { whole: unknown } = { whole: JSON.parse(json) };
  const found: { readonly of: object; readonly key: string | number }[] = [];
  const walk = (of: object): void => {
    for (const [key, member] of Object.entries(of)) {
      found.push({ of, key: Array.isArray(of) ? Number(key) : key });
      if (typeof member === 'object' && member !== null) walk(member as object);
    }
  };
  walk(holder);
  const place = found[seed % found.length];
  if (place === undefined) return json;
  if (seed % 5 === 0 && place.of !== holder && !Array.isArray(place.of))
    Reflect.deleteProperty(place.of, place.key);
  else Reflect.set(place.of, place.key, put);
  return JSON.stringify(holder.whole);
}

describe('what the journal has of one execution', () => {
  let desk: Desk;
  const ids = {} as Record<Name, string>;

  beforeAll(async () => {
    desk = new Desk();
    desk.write('belay.yaml', { hosts: { here: { transport: 'local' } } });
    for (const name of names) {
      const runbook = desk.write(`${name}.yaml`, {
        schemaVersion: '0.3',
        rollback: { when: 'onFailure' },
        mainSteps: runbooks[name],
      });
      ids[name] = idOf(
        await desk.belay([
          'run',
          runbook,
          '-y',
          '--no-wait',
          '--sandbox',
          ...(name === 'undone' ? ['--fail-at', 'Again'] : []),
        ]),
      );
    }
  }, 120_000);
  afterAll(() => desk[Symbol.dispose]());

  /** A state folder of its own, in which one cell is another. */
  function damagedCopy(name: Name, seed: number, put: unknown, way: number): string {
    const folder = mkdtempSync(join(tmpdir(), 'belay-damaged-'));
    cpSync(desk.state, folder, { recursive: true });
    const db = new DatabaseSync(join(folder, 'journal.db'));
    db.exec('PRAGMA busy_timeout = 10000');
    const [table, column, owner] = places[seed % places.length] ?? places[0];
    const rows = db
      .prepare(`SELECT ${numbers.has(column) ? '0' : column} AS cell FROM ${table} WHERE ${owner} = ?`)
      .all(ids[name]);
    const cell = rows[way % Math.max(1, rows.length)]?.['cell'];
    const change = (value: string | number): void => {
      db.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${owner} = ? AND ${column} IS ?`).run(
        value,
        ids[name],
        cell ?? null,
      );
    };
    if (numbers.has(column))
      db.exec(
        `UPDATE ${table} SET ${column} = ${way % 2 === 0 ? '9223372036854775807' : '-9007199254740991'} WHERE ${owner} = '${ids[name]}'`,
      );
    else if (typeof cell !== 'string') change('[1');
    else change(way % 7 === 0 ? cell.slice(0, cell.length / 2) : damaged(cell, way, put));
    db.close();
    return folder;
  }

  test(
    'is damaged in any place, and each command says so and shows the others',
    { timeout: 300_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...names),
          fc.nat(),
          fc.nat(),
          strange,
          async (name, seed, way, put) => {
            const folder = damagedCopy(name, seed, put, way);
            try {
              const env = {
                PATH: process.env['PATH'] ?? '',
                HOME: desk.folder,
                BELAY_STATE: folder,
                TZ: 'UTC',
              };
              const here = (...words: readonly string[]) => belayHere(words, { cwd: desk.folder, env });
              const hurt = ids[name];
              const others = names.map((other) => ids[other]).filter((id) => id !== hurt);
              const listed = await here('list', '--limit', '100');
              for (const id of others) expect(listed.stdout).toContain(id);
              expect(listed.stdout + listed.stderr).toContain(hurt);
              const { executions, damaged: left = [] } = JSON.parse(
                (await here('list', '--json', '--all')).stdout,
              ) as {
                executions: { executionId: string }[];
                damaged?: { executionId: string }[];
              };
              const brief = await here('list', '--json', '--all', '--brief');
              for (const id of [...others, hurt]) expect(brief.stdout).toContain(id);
              const said = [...executions, ...left].map(({ executionId }) => executionId);
              expect(said).toEqual(expect.arrayContaining([...others, hurt]));
              for (const words of [
                ['list', '--all'],
                ['show', hurt],
                ['show', hurt, '--json'],
                ['logs', hurt],
                ['locks'],
                ['prune', '--dry-run'],
                ['approve', hurt],
                ['continue', hurt],
                ['cancel', hurt, '--no-wait'],
                ['rollback', hurt, '--no-wait'],
                ['resume', hurt, '--no-wait'],
                ['discard', hurt, '--why', 'a test'],
              ]) {
                const { code, stderr } = await here(...words);
                if (code === 2 && stderr.includes('DAMAGED')) expect(stderr).toContain(hurt);
              }
            } finally {
              rmSync(folder, { recursive: true, force: true });
            }
          },
        ),
        { numRuns: isThorough ? 500 : 20 },
      );
    },
  );

  test('is told by doctor and by resume without an id, which goes on with another one', async () => {
    const folder = damagedCopy('waits', 0, [], 5);
    try {
      const doctor = await desk.belay(['doctor', '--json'], { state: folder });
      expect(doctor).toMatchObject({
        code: 2,
        stdout: expect.stringContaining(`what the journal has of ${ids.waits} is damaged`),
      });
      const listed = await desk.belay(['list'], { state: folder });
      expect(listed).toMatchObject({
        code: 0,
        stderr: expect.stringContaining(`EXECUTION_DAMAGED  what the journal has of ${ids.waits}`),
      });
      const resumed = await desk.belay(['resume', '--no-wait'], { state: folder });
      expect(resumed.code).toBe(6);
      expect(resumed.stderr).toContain(ids.parent);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);
});
