/** Tells systemd that the daemon is ready and lives (sd_notify), by systemd's own tool: Node has no datagram sockets for it. */
import { execFile } from 'node:child_process';
import type { Beat } from './daemon-options.ts';

const noBeat = (): void => undefined;

/** Called once a turn. Beats at a third of the watchdog's time. */
export function beatOf(env: NodeJS.ProcessEnv, clock: () => number): (beat: Beat) => void {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: watchdog } = env;
  if (socket === undefined || socket === '') return noBeat;
  const everyMs = watchdog === undefined ? Infinity : Number(watchdog) / 1000 / 3;
  let said: string | null = null;
  let lastAt = 0;
  return ({ leads, trouble }) => {
    const now = clock();
    // One that stands by is ready as well: it is what its unit is for.
    const status = trouble ?? (leads ? 'leads' : 'stands by');
    if (said === status && Math.abs(now - lastAt) < everyMs) return;
    const words = [
      ...(said === null ? ['--ready'] : []),
      ...(said === status ? [] : [`--status=${status.replaceAll(/\s+/g, ' ')}`]),
      'WATCHDOG=1',
    ];
    said = status;
    lastAt = now;
    // Whoever cannot be told restarts the daemon, which loses nothing.
    execFile('systemd-notify', words, { env, timeout: 5_000 }, () => undefined);
  };
}
