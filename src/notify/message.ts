/** A message before it has a channel: what happened, where, and what to do. Pure. */
import type { EventName } from './events.ts';

export interface Message {
  /** Names it among all messages of a state folder: told again under it, it is told once. */
  readonly key: string;
  readonly event: EventName;
  /** What it is about: an execution's id, an occurrence, `rule@file`. A `resolved` message has that of the first. */
  readonly about: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly subject: string;
  readonly text: string;
  /** By the name that templates use. */
  readonly fields: Readonly<Record<FieldName, string>>;
}

/** What templates may use, and what the JSON of a webhook has. */
export const fieldMeanings = {
  event: 'The event, as channels subscribe to it',
  subject: 'The usual first line',
  text: 'The usual text',
  at: 'When it happened, UTC',
  runbook: 'The runbook, the window or the compliance file',
  id: 'The execution, the occurrence or the check',
  status: 'How it ended, or stands',
  rollback: 'How its rollback ended',
  step: 'The step that failed or waits',
  code: 'The code of the failure',
  failure: 'What the failure says',
  hosts: 'The hosts that were touched',
  left: 'What is still changed',
  command: 'The command to type',
  rule: 'The rule of a finding',
  severity: 'The severity of a finding',
  machine: 'The machine that runs Belay',
  startedBy: 'Who started it',
} as const;

export type FieldName = keyof typeof fieldMeanings;
export const fieldNames = Object.keys(fieldMeanings) as readonly FieldName[];

export const subjectCharactersMax = 140;
export const textCharactersMax = 6_000;

export function withFields(
  message: Omit<Message, 'fields'>,
  fields: Partial<Readonly<Record<FieldName, string>>>,
): Message {
  const empty = Object.fromEntries(fieldNames.map((name) => [name, ''])) as Record<FieldName, string>;
  const subject = cutLine(message.subject, subjectCharactersMax);
  const text = cutText(message.text, textCharactersMax);
  return {
    ...message,
    subject,
    text,
    fields: {
      ...empty,
      ...fields,
      event: message.event,
      subject,
      text,
      at: utcText(message.at),
    },
  };
}

/** `2026-12-06T02:14:07Z`. */
export function utcText(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** One line of at most so many characters; no half of a pair is left at its end. */
export function cutLine(text: string, max: number): string {
  const line = text.replaceAll(/[\s\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return line.length <= max ? line : `${whole(line, max - 1).trimEnd()}…`;
}

/** Lines of at most so many characters together; what is cut is said. */
export function cutText(text: string, max: number): string {
  if (text.length <= max) return text;
  const note = `\n[cut: the message has ${text.length} characters, at most ${max} are sent]`;
  return `${whole(text, max - note.length)}${note}`;
}

function whole(text: string, max: number): string {
  const cut = text.slice(0, Math.max(0, max));
  return /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
}
