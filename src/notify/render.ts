/** A message as one channel says it: its own templates, else the usual text. Pure. */
import { resolveInputs, type Scope } from '../document/index.ts';
import type { Channel } from './channel.ts';
import {
  cutLine,
  cutText,
  subjectCharactersMax,
  textCharactersMax,
  type FieldName,
  type Message,
} from './message.ts';

export function rendered(
  { subject, text }: Pick<Channel, 'subject' | 'text'>,
  message: Message,
): { readonly subject: string; readonly text: string } {
  const scope: Scope = {
    lookup: (reference) => {
      const value = Object.hasOwn(message.fields, reference.text)
        ? message.fields[reference.text as FieldName]
        : undefined;
      return value === undefined ? { kind: 'absent', why: 'messages have none' } : { kind: 'value', value };
    },
  };
  const fill = (template: string | undefined, usual: string): string => {
    const filled =
      template === undefined ? undefined : resolveInputs(template, scope, { absentIsNull: true });
    // Nobody goes untold because a template came out empty.
    return filled?.ok === true && typeof filled.value === 'string' && filled.value.trim() !== ''
      ? filled.value
      : usual;
  };
  return {
    subject: cutLine(fill(subject, message.subject), subjectCharactersMax),
    text: cutText(fill(text, message.text), textCharactersMax),
  };
}
