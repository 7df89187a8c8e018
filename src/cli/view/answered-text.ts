/** What people have said to an execution that nobody runs. Pure. */
import type { Answered } from '../../runtime/answered.ts';
import { instantText } from './durations.ts';
import { printable } from './printable.ts';

/** `anna said to go on, 2026-11-30 20:15:03 UTC`. */
export function answeredText(answered: Answered): string {
  return `${wordText(answered)}, ${instantText(answered.saidAt)}`;
}

/** `anna said to go on`. */
export function wordText({ word, by }: Answered): string {
  const who = by === null ? 'somebody' : printable(by);
  switch (word.kind) {
    case 'goOn':
      return `${who} said to go on`;
    case 'happened':
      return `${who} said that it happened`;
    case 'didNotHappen':
      return `${who} said that it did not happen`;
    case 'approve':
      return `${who} approved`;
    case 'reject':
      return `${who} rejected it`;
    case 'start':
      return `${who} said to start ${printable(word.step)}`;
    case 'complete':
      return `${who} said to end here`;
    case 'climbDown':
      return `${who} said to climb down`;
    case 'stay':
      return `${who} said to leave it as it is`;
    default:
      return word satisfies never;
  }
}
