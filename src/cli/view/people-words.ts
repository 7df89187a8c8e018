/** The words of the terminal for messages: no colours, and the marks of any mail reader. */
import type { PeopleWords } from '../../runtime/notify/words.ts';
import { endingLines } from './ending.ts';
import { makeStyle } from './style.ts';
import { waitingWords } from './waiting-lines.ts';

const plain = makeStyle({ color: false, unicode: true });

export const peopleWords: PeopleWords = {
  ending: (view) => endingLines(view, plain),
  waiting: (executionId, step, waiting) => waitingWords(executionId, step, waiting, { whole: true }),
};
