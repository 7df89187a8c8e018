/** Journals that earlier versions wrote are read, resumed and rolled back by this one, and nothing is done twice. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BelayFolder } from '../cli/belay-process.ts';

interface Recorded {
  readonly id: string;
  readonly title: string;
  readonly command: 'resume' | 'continue' | 'rollback';
  /** What the sandbox has had done to it in the end; left out: what the patch of a server does. */
  readonly effects?: readonly string[];
}

const histories = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

test('there are some', () => {
  expect(histories.length).toBeGreaterThan(0);
});

describe.each(histories)('of %s', (name) => {
  const from = join(import.meta.dirname, name);
  const recorded = JSON.parse(readFileSync(join(from, 'expected.json'), 'utf8')) as Recorded[];
  let folder: BelayFolder;
  let clock: Record<string, string>;

  beforeEach(() => {
    folder = new BelayFolder();
    mkdirSync(folder.state, { recursive: true, mode: 0o700 });
    const database = new DatabaseSync(join(folder.state, 'journal.db'));
    database.exec(readFileSync(join(from, 'journal.sql'), 'utf8'));
    const last = Number(database.prepare('SELECT max(at) AS at FROM events').get()?.['at']);
    database.close();
    for (const { id } of recorded) {
      mkdirSync(join(folder.state, 'executions', id), { recursive: true, mode: 0o700 });
      copyFileSync(join(from, 'worlds', `${id}.json`), join(folder.state, 'executions', id, 'world.json'));
    }
    clock = clockFrom(last + 3_600_000);
  });
  afterEach(() => folder.clear());

  test('all are listed, and the killed ones are interrupted', { timeout: 60_000 }, async () => {
    const { stdout } = await folder.run(['list', '--json'], clock);
    const { executions } = JSON.parse(stdout) as {
      executions: { executionId: string; status: string }[];
    };
    expect(Object.fromEntries(executions.map(({ executionId, status }) => [executionId, status]))).toEqual(
      Object.fromEntries(recorded.map(({ id, title }) => [id, statusOf(title)])),
    );
  });

  test.each(recorded)('$title: $command', { timeout: 90_000 }, async ({ id, title, command, effects }) => {
    if (command === 'continue') expect((await folder.run(['continue', id], clock)).code).toBe(0);
    const words = command === 'rollback' ? ['rollback', id, '-y'] : ['resume', id];
    const ended = await folder.run(words, clock);
    const climbsDown = title.includes('climbed down');
    expect(ended, ended.stderr).toMatchObject({ code: climbsDown ? 3 : 0 });

    const { status, rollbackStatus } = JSON.parse(
      (await folder.run(['show', id, '--json'], clock)).stdout,
    ) as Readonly<Record<string, string>>;
    expect({ status, rollbackStatus }).toEqual({
      status: climbsDown ? 'Failed' : 'Success',
      rollbackStatus: climbsDown || command === 'rollback' ? 'clean' : 'notRequested',
    });
    expect(effectsIn(join(folder.state, 'executions', id, 'world.json'))).toEqual(
      effects ?? effectsOf(command, climbsDown),
    );
  });
});

function statusOf(title: string): string {
  if (title.startsWith('killed')) return 'Interrupted';
  return title.startsWith('waiting') ? 'Waiting' : 'Success';
}

/** The sandbox's own record of what was done to it, which Belay's journal knows nothing of. */
function effectsIn(worldFile: string): string[] {
  const { journal } = JSON.parse(readFileSync(worldFile, 'utf8')) as {
    journal: { what: string; on: string }[];
  };
  return journal.map(({ what }) => what);
}

/** Of an untouched run. */
function effectsOf(command: Recorded['command'], climbsDown: boolean): string[] {
  if (command === 'continue') return ['service/set', 'service/set'];
  const forward = ['package/install', 'service/set', 'ec2:CreateSnapshot', 'package/install', 'service/set'];
  if (command !== 'rollback' && !climbsDown) return forward;
  // Its runbook decides by the verdict of the forward run, which lets no snapshot go.
  return [...forward, 'service/set', 'package/restore', 'service/set'];
}

/** Waits for people have an end: the clock of the processes goes on from soon after the history was written. */
function clockFrom(instant: number): Record<string, string> {
  const ahead = instant - Date.now();
  const code = `const real = Date.now; Date.now = () => real() + (${ahead});`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
}
