/** Commands on a runbook's text alone: what it leads to, and what it is in plain SSM. Nothing is run. */
import type { CommandSpec } from './command-spec.ts';

const file = { name: 'FILE', says: 'The runbook', required: true, values: 'file' } as const;

export const documentCommands: readonly CommandSpec[] = [
  {
    name: 'graph',
    summary: 'Draw where a runbook can lead: branches, failures, loops, undo; nothing is run',
    args: [file],
    options: [
      {
        name: 'format',
        value: 'FORMAT',
        choices: ['mermaid', 'dot'],
        says: 'mermaid (the default), which Markdown pages show, or dot for Graphviz',
      },
    ],
    examples: [
      { command: 'belay graph patch.yaml', says: 'For a page in Markdown' },
      { command: 'belay graph patch.yaml --format dot', says: 'For dot -Tsvg, which makes a picture' },
    ],
    load: () => import('./commands/graph.ts'),
  },
  {
    name: 'export',
    summary: 'Write a runbook in plain SSM Automation, or say where it needs Belay',
    args: [file],
    options: [
      { name: 'format', value: 'FORMAT', choices: ['yaml', 'json'], says: 'yaml (the default) or json' },
      { name: 'drop', says: 'Leave out what SSM can do without, such as locks, instead of refusing it' },
    ],
    examples: [
      { command: 'belay export patch.yaml', says: 'On stdout; what SSM cannot say is told with its place' },
      {
        command: 'belay export patch.yaml --drop --format json',
        says: 'Without locks, time limits and the like',
      },
    ],
    notes: [
      'Undo lists become a chain of steps behind onFailure, newest first; the execution still ends Failed.',
    ],
    load: () => import('./commands/export.ts'),
  },
];
