/** Writes a new history: sandbox executions in every state in which they can be found, runners killed where it matters. */
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { dumpOf } from './sql-dump.ts';

const root = resolve(import.meta.dirname, '..', '..');
const patch = 'runbooks/patch-postgresql.yaml';
const pause = 'test/histories/pause.yaml';
/** One step over both hosts of the sandbox. */
const rollOut = [
  'runbooks/hosts/roll-out-file.yaml',
  ...['Hosts=["db1","web1"]', 'Path=/etc/motd', 'Content=new', 'Soak=PT1S'].flatMap((pair) => ['-p', pair]),
];
const put = 'file/set';
const back = 'file/restore';

/** What is run, the event at which its runner is killed, and what has to come of it. */
const plan = [
  {
    title: 'killed while a package was installed',
    words: [patch],
    killAt: '"type":"StepStarted","step":"Patch"',
    command: 'resume',
  },
  {
    title: 'killed while a snapshot was taken',
    words: [patch],
    killAt: '"type":"StepStarted","step":"SnapshotData"',
    command: 'resume',
  },
  {
    title: 'killed while it climbed down',
    words: [patch, '--fail-at', 'VerifyData'],
    killAt: '"type":"UndoStarted","step":"Patch"',
    command: 'resume',
  },
  { title: 'waiting for a person', words: [pause, '--no-wait'], command: 'continue' },
  { title: 'ended well', words: [patch], command: 'rollback' },
  {
    title: 'killed between hosts of one step',
    words: rollOut,
    killAt: '"type":"TurnEnded","step":"Put"',
    command: 'resume',
    effects: [put, put],
  },
  {
    title: 'killed while it climbed down on hosts of one step',
    // The database server has no such unit.
    words: [...rollOut, '-p', 'Service=nginx'],
    killAt: '"type":"UndoStarted","step":"Put"',
    command: 'resume',
    effects: [put, put, back, back],
  },
  {
    title: 'ended well on hosts of one step',
    words: rollOut,
    command: 'rollback',
    effects: [put, put, back, back],
  },
] as const;

const target = resolve(process.argv[2] ?? '');
if (process.argv[2] === undefined)
  throw new Error('say where, and perhaps what stands in the titles: test/histories/YYYY-MM-DD [hosts]');
const state = mkdtempSync(join(tmpdir(), 'belay-history-'));
try {
  mkdirSync(join(target, 'worlds'), { recursive: true });
  const expected: object[] = [];
  for (const each of plan.filter(({ title }) => title.includes(process.argv[3] ?? ''))) {
    const id = await leave(each.words, 'killAt' in each ? each.killAt : undefined);
    copyFileSync(join(state, 'executions', id, 'world.json'), join(target, 'worlds', `${id}.json`));
    const effects = 'effects' in each ? { effects: each.effects } : {};
    expected.push({ id, title: each.title, command: each.command, ...effects });
  }
  const database = new DatabaseSync(join(state, 'journal.db'));
  writeFileSync(join(target, 'journal.sql'), dumpOf(database));
  database.close();
  writeFileSync(join(target, 'expected.json'), `${JSON.stringify(expected, null, 2)}\n`);
} finally {
  rmSync(state, { recursive: true });
}

/** Runs it in the sandbox until it leaves or is killed; gives its id. */
function leave(words: readonly string[], killAt: string | undefined): Promise<string> {
  const args = ['src/cli/main.ts', 'run', ...words, '--sandbox', '--json', '--state', state];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    if (killAt !== undefined && text.includes(killAt)) child.kill('SIGKILL');
  });
  return new Promise((done, reject) => {
    child.on('close', (_code, signal) => {
      const id = /"executionId":"([0-9A-Z]+)"/.exec(text)?.[1];
      const isAsPlanned = (signal === 'SIGKILL') === (killAt !== undefined);
      if (id === undefined || !isAsPlanned) reject(new Error(`not as planned: ${words.join(' ')}\n${text}`));
      else done(id);
    });
  });
}
