/** The codes that this room adds to those of the document room. */
import type { Report, Span } from '../document/index.ts';

export const notifyCodes = {
  CHANNEL_NAME: 'A channel whose name no command line could take: letters, digits, dashes and underscores.',
  CHANNEL_WAY: 'A channel that has no way to people, or more than one.',
  UNKNOWN_EVENT: 'A channel asks for an event that does not exist.',
  UNKNOWN_CHANNEL: 'A runbook, window or compliance file names a channel that belay.yaml does not have.',
  UNKNOWN_PLACE: 'A template uses a name that messages do not have.',
  PLAIN_SECRET: 'A secret is written in belay.yaml itself. It belongs behind a reference.',
  PLAIN_TRANSPORT: 'Messages would cross a network unencrypted.',
  BAD_ADDRESS: 'An address that nothing can be sent to.',
} as const;

export type NotifyCode = keyof typeof notifyCodes;

export function reportNotify(
  report: Report,
  code: NotifyCode,
  span: Span,
  message: string,
  hint?: string,
): void {
  report.foreign(code, span, message, hint);
}
