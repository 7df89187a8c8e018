/** The commands around channels: try one, and look at what waits. */
import type { CommandSpec, OptionSpec } from './command-spec.ts';

const json: OptionSpec = { name: 'json', says: 'Machine-readable, on stdout' };

export const notifyCommands: readonly CommandSpec[] = [
  {
    name: 'notify test',
    summary: 'Send a message to a channel of belay.yaml, and say what became of it',
    args: [{ name: 'CHANNEL', says: 'Its name', required: true }],
    options: [json],
    examples: [{ command: 'belay notify test ops', says: 'Ends 0 when the receiver took it, else 1' }],
    notes: ['It is sent at once and once: it goes into no outbox and is not tried again.'],
    load: () => import('./commands/notify/test.ts'),
  },
  {
    name: 'notify list',
    summary: 'Messages that are not delivered, with age and reason',
    args: [],
    options: [
      { name: 'all', says: 'The delivered, the folded and the withdrawn ones too, the latest 100' },
      json,
    ],
    examples: [
      { command: 'belay notify list', says: 'What waits, what was given up, and why' },
      { command: 'belay notify list --all --json', says: 'The latest messages, for scripts' },
    ],
    load: () => import('./commands/notify/list.ts'),
  },
];
