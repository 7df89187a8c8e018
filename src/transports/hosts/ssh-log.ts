/** What ssh writes with `-v`, for people and as the record of a connection. */

/** Without what only a developer of ssh reads, and without the word that all is well. */
export function withoutDebug(log: string): string {
  return log
    .split('\n')
    .filter((line) => !/^(?:debug\d: |OpenSSH_|Authenticated to |Authenticated using )/.test(line.trim()))
    .join('\n');
}
