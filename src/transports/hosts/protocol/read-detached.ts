/**
 * A reading script where no connection stays open: it is started under a token of its own, followed, and forgotten
 * once all it printed has been sent. All in one program, so that an ordinary read is one round trip.
 */
import type { HostScript } from '../../host.ts';
import type { PollLimits } from './follow.ts';
import { forgetFunction, pollSettings } from './follow.ts';
import type { HostShell } from './shell.ts';
import { startRequest } from './start.ts';

export function readDetachedRequest(
  shell: HostShell,
  nonce: string,
  script: HostScript,
  limits: PollLimits,
): Buffer {
  return startRequest(shell, nonce, nonce, {
    token: nonce,
    script,
    after: `${pollSettings(limits)}
${forgetFunction}
b_poll
case $b_last in exited* | vanished*) b_forget >/dev/null ;; esac`,
  });
}
