/** The commands around maintenance windows, and the daemon that runs them. */
import type { ArgumentSpec, CommandSpec, OptionSpec } from './command-spec.ts';

const json: OptionSpec = { name: 'json', says: 'Machine-readable, on stdout' };
const dir: OptionSpec = {
  name: 'dir',
  value: 'DIR',
  values: 'file',
  says: 'Where the window files are (windows/ beside belay.yaml, or here)',
};
const name: ArgumentSpec = { name: 'NAME', says: 'The window', required: true };
const reason: OptionSpec = { name: 'why', value: 'TEXT', says: 'Kept with it' };
const occurrence: OptionSpec = {
  name: 'occurrence',
  value: 'INSTANT',
  says: 'Which run: its instant, as window next prints it (the next one)',
};

export const windowCommands: readonly CommandSpec[] = [
  {
    name: 'daemon',
    summary: 'Run maintenance windows as they come due',
    args: [],
    options: [
      dir,
      { name: 'once', says: 'Run what is due now and end; for cron, at least every 15 minutes' },
      {
        name: 'standby',
        says: 'Where another daemon leads the state folder, wait for its end and take over',
      },
      {
        name: 'on-stop',
        value: 'WHAT',
        choices: ['leave', 'finish'],
        says: 'At SIGTERM: leave runs resumable behind the step under way (default), or finish them',
      },
      {
        name: 'listen',
        value: 'WHERE',
        says: '/healthz and /metrics: 127.0.0.1:9464, or unix:/run/belay.sock',
      },
    ],
    examples: [
      { command: 'belay daemon', says: 'Until it is stopped; SIGHUP reads the window files anew' },
      { command: 'belay daemon --once', says: 'From cron' },
    ],
    notes: [
      'One daemon leads a state folder. One that is killed leaves its runs going, and the next one takes them over.',
    ],
    load: () => import('./commands/daemon.ts'),
  },
  {
    name: 'window list',
    summary: 'All windows, when they come next and what their last run came to',
    args: [],
    options: [dir, json],
    examples: [{ command: 'belay window list', says: 'One line each' }],
    load: () => import('./commands/window/list.ts'),
  },
  {
    name: 'window show',
    summary: 'One window: its tasks, how long they may take, and whether that fits',
    args: [name],
    options: [dir, json],
    examples: [{ command: 'belay window show patch-db', says: 'Everything about it' }],
    load: () => import('./commands/window/show.ts'),
  },
  {
    name: 'window next',
    summary: 'When a window comes, in its own time and in UTC',
    args: [name],
    options: [{ name: 'count', short: 'n', value: 'COUNT', says: 'How many (5)' }, dir, json],
    examples: [
      { command: 'belay window next patch-db', says: 'The next five, and what is different on those days' },
      { command: 'belay window next patch-db -n 1 --json', says: 'For scripts' },
    ],
    load: () => import('./commands/window/next.ts'),
  },
  {
    name: 'window import',
    summary: 'Write maintenance windows of AWS as files, with their runbooks; AWS is only read',
    args: [
      {
        name: 'WINDOW',
        says: 'Names or ids of windows in AWS; all without one',
        required: false,
        variadic: true,
      },
    ],
    options: [dir, { name: 'force', says: 'Write over files that exist' }],
    examples: [
      { command: 'belay window import patch-night', says: 'windows/patch-night.yaml, and what it runs' },
    ],
    notes: ['What Belay cannot run is kept in the file as comments, and named.'],
    load: () => import('./commands/window/import.ts'),
  },
  {
    name: 'window validate',
    summary: 'Say everything that is wrong with windows and what they run; nothing is run',
    args: [
      {
        name: 'FILE',
        says: 'Window files; all of the folder without one',
        required: false,
        variadic: true,
        values: 'file',
      },
    ],
    options: [
      { name: 'offline', says: 'Ask no host, read no secret, and do not ask AWS who calls' },
      dir,
      json,
    ],
    examples: [
      {
        command: 'belay window validate',
        says: 'Would every task start, act as whom it should, and end inside its window?',
      },
    ],
    load: () => import('./commands/window/validate.ts'),
  },
  {
    name: 'window history',
    summary: 'What the runs of a window came to',
    args: [name],
    options: [{ name: 'limit', short: 'n', value: 'COUNT', says: 'At most so many (10)' }, dir, json],
    examples: [{ command: 'belay window history patch-db', says: 'The latest first' }],
    load: () => import('./commands/window/history.ts'),
  },
  {
    name: 'window run',
    summary: 'Let a window run now; the daemon starts it',
    args: [name],
    options: [
      { name: 'now', says: 'Needed: it says that this is meant' },
      { name: 'force', says: 'Although it may not fit; kept in the journal' },
      dir,
    ],
    examples: [{ command: 'belay window run patch-db --now', says: 'Within its Duration from now on' }],
    load: () => import('./commands/window/run.ts'),
  },
  {
    name: 'window skip',
    summary: 'Leave out one run of a window',
    args: [name],
    options: [
      occurrence,
      { name: 'until', value: 'INSTANT', says: 'All runs before this instant' },
      reason,
      dir,
    ],
    examples: [
      { command: 'belay window skip patch-db', says: 'The next run' },
      { command: 'belay window skip patch-db --until 2026-12-27T00:00:00Z', says: 'All until then' },
    ],
    load: () => import('./commands/window/skip.ts'),
  },
  {
    name: 'window pause',
    summary: 'Let a window start nothing until it is resumed',
    args: [name],
    options: [reason, dir],
    examples: [
      { command: 'belay window pause patch-db --why "the auditors are here"', says: 'Until window resume' },
    ],
    load: () => import('./commands/window/pause.ts'),
  },
  {
    name: 'window resume',
    summary: 'Let a paused window run again',
    args: [name],
    options: [dir],
    examples: [{ command: 'belay window resume patch-db', says: 'From its next run on' }],
    load: () => import('./commands/window/resume.ts'),
  },
  {
    name: 'window approve',
    summary: 'Say yes to a run of a window before it begins',
    args: [name],
    options: [occurrence, reason, dir],
    examples: [{ command: 'belay window approve patch-db', says: 'The next run' }],
    load: () => import('./commands/window/approve.ts'),
  },
  {
    name: 'window reject',
    summary: 'Say no to a run of a window',
    args: [name],
    options: [occurrence, reason, dir],
    examples: [{ command: 'belay window reject patch-db --why "not this week"', says: 'It is skipped' }],
    load: () => import('./commands/window/reject.ts'),
  },
  {
    name: 'window cancel',
    summary: 'Stop a run of a window that is under way; its tasks climb down',
    args: [name],
    options: [reason, dir],
    examples: [{ command: 'belay window cancel patch-db', says: 'The run that is under way' }],
    load: () => import('./commands/window/cancel.ts'),
  },
];
