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
      { command: 'belay graph patch.yaml --format dot', says: 'For Graphviz: | dot -Tsvg > patch.svg' },
    ],
    load: () => import('./commands/graph.ts'),
  },
];
