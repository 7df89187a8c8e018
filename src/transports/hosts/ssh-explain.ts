/** Why a session over a live master came to nothing: ssh itself, or the account on the host. */
import type { HostFailure } from '../host.ts';
import { hostFailure } from './failure.ts';
import { endedAtLogin } from './login-refusal.ts';
import { visible } from './said.ts';
import { lostFailure } from './ssh-failure.ts';
import { sudoFailure } from './sudo-failure.ts';
import type { BrokenSession } from './channel.ts';

/** How often a request that never reached the host is sent over a new session. */
const sessionTriesMax = 8;

/** What of a connection is needed to tell. */
export interface ExplainedConnection {
  log(): string;
  isAlive(): Promise<boolean>;
  allowFewerSessions(): void;
}

export async function explain(
  wanted: { readonly host: string; readonly name: string },
  connection: ExplainedConnection,
  broken: BrokenSession,
): Promise<HostFailure | 'again'> {
  const { begun, exitCode, stderr, attempt } = broken;
  const log = `${connection.log()}\n${stderr}`;
  if (begun) {
    await connection.isAlive();
    return lostFailure({ ...wanted, log });
  }
  // 255 is ssh's own failure, no code at all a client that was killed; anything else comes from the host.
  if (exitCode !== 255 && exitCode !== undefined) {
    const said = `${stderr}\n${broken.stdout ?? ''}`;
    return sudoFailure({ ...wanted, stderr, exitCode }) ?? endedAtLogin({ ...wanted, exitCode, said });
  }
  if (attempt < sessionTriesMax) {
    // Either the host allows fewer sessions than we asked for, or the master had ended and a new one is needed.
    if (/Session open refused by peer|session request failed/.test(stderr)) {
      connection.allowFewerSessions();
      await new Promise((resolve) => {
        setTimeout(resolve, 50 * 2 ** attempt);
      });
      return 'again';
    }
    if (!(await connection.isAlive())) return 'again';
  }
  return hostFailure({
    ...wanted,
    code: 'CONNECTION_LOST',
    what: `no session could be opened over the connection: ${visible(stderr)}`,
    retryable: true,
  });
}
