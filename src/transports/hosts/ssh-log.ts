/** What ssh writes with `-v`, for people and as the record of a connection. */

/** Without what only a developer of ssh reads, and without the word that all is well. */
export function withoutDebug(log: string): string {
  return log
    .split('\n')
    .filter((line) => !/^(?:debug\d: |OpenSSH_|Authenticated to |Authenticated using )/.test(line.trim()))
    .join('\n');
}

/** How far a connection has come. */
export type Stage = 'started' | 'connected' | 'greeted' | 'keyed' | 'accepted' | 'loggedIn';

/** What the log tells of the connection itself; the lines of a server come with a prefix. OpenSSH 7.4 to 10. */
export interface Progress {
  readonly stage: Stage;
  /** Whether another process leads to the host: a ProxyJump or ProxyCommand. */
  readonly isProxied: boolean;
}

const stages: readonly (readonly [Stage, RegExp])[] = [
  ['loggedIn', /^Authenticated to /m],
  ['accepted', /^debug1: Server accepts key: /m],
  ['keyed', /^debug1: SSH2_MSG_NEWKEYS received/m],
  ['greeted', /^debug1: Remote protocol version /m],
  ['connected', /^debug1: Connection established/m],
];

export function progressOf(log: string): Progress {
  const stage = stages.find(([, sign]) => sign.test(log))?.[0] ?? 'started';
  return { stage, isProxied: /^debug1: Executing proxy command: /m.test(log) };
}

/** The end of a sentence that says what a connection was doing when nobody waited for it any more. */
export function stageText({ stage, isProxied }: Progress): string {
  switch (stage) {
    case 'started':
      return isProxied
        ? 'the way to it (a jump or ProxyCommand) had not been opened'
        : 'it had not taken the connection';
    case 'connected':
      return 'it had taken the connection and not greeted';
    case 'greeted':
      return 'it had greeted, and the keys were not agreed on';
    case 'keyed':
      return 'its host key was accepted, and the login was under way';
    case 'accepted':
      return 'it had accepted the key, and the login was not complete';
    case 'loggedIn':
      return 'it had taken the login, and the account had not answered';
    default:
      return stage satisfies never;
  }
}
