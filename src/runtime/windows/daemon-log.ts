/** Where the daemon says what it does: structured fields first, then a sentence. */
export interface DaemonLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}
