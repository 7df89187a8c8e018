/** The codes that this room adds to those of the document room. */
import type { Report, Span } from '../document/index.ts';

export const windowCodes = {
  BAD_SCHEDULE: 'Schedule is not a cron, rate or at expression that maintenance windows take.',
  BAD_ZONE: 'ScheduleTimezone is not a zone of the IANA database.',
  BAD_INSTANT:
    'StartDate or EndDate is not a date with a time and an offset, or the end comes before the start.',
  NEVER_DUE: 'The schedule has no run between StartDate and EndDate.',
  WINDOW_NAME: 'A name that AWS would not take: 3 to 128 letters, digits, dots, dashes and underscores.',
  DUPLICATE_TASK: 'Two tasks of one window with the same name.',
  DUPLICATE_WINDOW: 'Two files with the same window.',
  PSEUDO_PARAMETER: 'A value in double braces that is not a pseudo parameter of a window, or needs Targets.',
  BAD_SHARE: 'MaxConcurrency or MaxErrors is neither a number nor a percentage.',
  BAD_FREEZE: 'A freeze calendar that cannot be read.',
} as const;

export type WindowCode = keyof typeof windowCodes;

export function reportWindow(
  report: Report,
  code: WindowCode,
  span: Span,
  message: string,
  hint?: string,
): void {
  report.foreign(code, span, message, hint);
}
