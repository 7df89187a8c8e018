/** Marks and colours of the view. Colour never says anything alone; without UTF-8 the marks are ASCII. */
import { styleText } from 'node:util';

export type Tone = 'good' | 'bad' | 'warn' | 'faint' | 'strong' | 'hint';

export interface Marks {
  readonly done: string;
  readonly failed: string;
  readonly undone: string;
  readonly waiting: string;
  readonly pending: string;
  readonly again: string;
  readonly started: string;
  readonly note: string;
  readonly spinner: readonly string[];
}

export interface Style {
  readonly marks: Marks;
  readonly color: boolean;
  readonly unicode: boolean;
  paint(tone: Tone, text: string): string;
}

const unicodeMarks: Marks = {
  done: '✔',
  failed: '✖',
  undone: '↶',
  waiting: '⏸',
  pending: '·',
  again: '↻',
  started: '▸',
  note: '!',
  spinner: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'],
};

/** Two columns each, so that they line up with each other. */
const asciiMarks: Marks = {
  done: 'ok',
  failed: 'XX',
  undone: '<-',
  waiting: '||',
  pending: '. ',
  again: '~ ',
  started: '> ',
  note: '! ',
  spinner: ['| ', '/ ', '- ', '\\ '],
};

const formats = {
  good: 'green',
  bad: 'red',
  warn: 'yellow',
  faint: 'dim',
  strong: 'bold',
  hint: 'cyan',
} as const;

export function makeStyle({ color, unicode }: { readonly color: boolean; readonly unicode: boolean }): Style {
  return {
    marks: unicode ? unicodeMarks : asciiMarks,
    color,
    unicode,
    paint: (tone, text) =>
      color && text !== '' ? styleText(formats[tone], text, { validateStream: false }) : text,
  };
}

const asciiOf: Readonly<Record<string, string>> = {
  '→': '->',
  '…': '...',
  '–': '-',
  '·': '.',
  ...Object.fromEntries(
    (['done', 'failed', 'undone', 'waiting', 'again', 'started'] as const).map((name) => [
      unicodeMarks[name],
      asciiMarks[name],
    ]),
  ),
};

/** The line in the characters that the terminal has. What others wrote is left as it is. */
export function spelled(line: string, { unicode }: Style): string {
  return unicode ? line : line.replaceAll(/[→…–·✔✖↶⏸↻▸]/gu, (character) => asciiOf[character] ?? character);
}
