/** Writes a new history: sandbox executions in every state in which they can be found, runners killed where it matters. */
import { spawn } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { dumpOf } from './sql-dump.ts';

const root = resolve(import.meta.dirname, '..', '..');
/** Where the runbooks lie while it is recorded: their paths are in the journal, and those of a checkout belong to one machine. */
const place = '/srv/belay';
const patch = 'runbooks/patch-postgresql.yaml';
const pause = 'test/histories/pause.yaml';
/** One step over both hosts of the sandbox. */
const rollOut = [
  'runbooks/hosts/roll-out-file.yaml',
  ...['Hosts=["db1","web1"]', 'Path=/etc/motd', 'Content=new', 'Soak=PT1S'].flatMap((pair) => ['-p', pair]),
];
const put = 'file/set';
const back = 'file/restore';
const service = 'service/set';

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
  {
    title: 'waiting for a person below',
    words: ['test/histories/call-pause.yaml', '--no-wait'],
    command: 'continue',
    effects: [service, service],
  },
  {
    title: 'killed while a runbook slept below',
    words: ['test/histories/call-nap.yaml'],
    killBelow: '"type":"StepWaiting","step":"Nap"',
    command: 'resume',
    effects: [service, service],
  },
  {
    title: 'killed while it climbed down below',
    words: ['test/histories/call-stop.yaml', '--fail-at', 'Note'],
    killBelow: '"type":"UndoStarted","step":"Stop"',
    command: 'resume',
    effects: [service, put, back, service],
  },
  {
    title: 'ended well below',
    words: ['test/histories/call-stop.yaml'],
    command: 'rollback',
    effects: [service, put, back, service],
  },
] as const;

const target = resolve(process.argv[2] ?? '');
if (process.argv[2] === undefined)
  throw new Error('say where, and perhaps what stands in the titles: test/histories/YYYY-MM-DD [hosts]');
if (existsSync(place)) throw new Error(`${place} is there already`);
const state = mkdtempSync(join(tmpdir(), 'belay-history-'));
try {
  mkdirSync(join(target, 'worlds'), { recursive: true });
  mkdirSync(join(place, 'test', 'histories'), { recursive: true });
  cpSync(join(root, 'runbooks'), join(place, 'runbooks'), { recursive: true });
  for (const name of readdirSync(import.meta.dirname).filter((file) => file.endsWith('.yaml')))
    copyFileSync(join(import.meta.dirname, name), join(place, 'test', 'histories', name));
  const expected: object[] = [];
  for (const each of plan.filter(({ title }) => title.includes(process.argv[3] ?? ''))) {
    const id = await leave(each.words, each);
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
  rmSync(place, { recursive: true, force: true });
}

/** Runs it in the sandbox until it leaves or is killed; gives its id. */
function leave(
  words: readonly string[],
  { killAt, killBelow }: { readonly title: string; readonly killAt?: string; readonly killBelow?: string },
): Promise<string> {
  const args = [join(root, 'src/cli/main.ts'), 'run', ...words, '--sandbox', '--json', '--state', state];
  const child = spawn(process.execPath, args, { cwd: place, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    if (killAt !== undefined && text.includes(killAt)) child.kill('SIGKILL');
  });
  if (killBelow !== undefined)
    void untilBelow(killBelow, () => child.exitCode !== null).then(() => child.kill('SIGKILL'));
  const isKilled = killAt !== undefined || killBelow !== undefined;
  return new Promise((done, reject) => {
    child.on('close', (_code, signal) => {
      const id = /"executionId":"([0-9A-Z]+)"/.exec(text)?.[1];
      const isAsPlanned = (signal === 'SIGKILL') === isKilled;
      if (id === undefined || !isAsPlanned) reject(new Error(`not as planned: ${words.join(' ')}\n${text}`));
      else done(id);
    });
  });
}

/** Until an execution below another one has told so, from now on. */
async function untilBelow(event: string, hasEnded: () => boolean): Promise<void> {
  const since = Date.now();
  while (!hasEnded()) {
    await delay(20);
    if (!existsSync(join(state, 'journal.db'))) continue;
    const database = new DatabaseSync(join(state, 'journal.db'), { readOnly: true });
    database.exec('PRAGMA busy_timeout = 5000');
    const sql = `SELECT 1 FROM events WHERE execution LIKE '%.%' AND at >= ? AND instr(event, ?) > 0`;
    const found = database.prepare(sql).get(since, event);
    database.close();
    if (found !== undefined) return;
  }
}
