/** `belay help TOPIC` for what is no command. */
import { exitCodeMeanings } from './exit-codes.ts';

export interface Topic {
  readonly name: string;
  readonly summary: string;
  readonly text: () => string;
}

export const topics: readonly Topic[] = [
  { name: 'exit-codes', summary: 'What every exit code means', text: exitCodesText },
];

function exitCodesText(): string {
  const rows = exitCodeMeanings.map(({ code, meaning }) => `  ${code.padStart(3)}  ${meaning}`);
  return [
    'Exit codes',
    '',
    ...rows,
    '',
    "The rollback's outcome decides first (3, 4), then how the run ended.",
    'belay rollback ends 0 when the rollback was clean or there was nothing to undo, else 4, or 5 when it was refused.',
    '',
  ].join('\n');
}
