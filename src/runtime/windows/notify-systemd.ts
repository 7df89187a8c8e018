/** Tells systemd that the daemon is ready and lives (sd_notify), by systemd's own tool: Node has no datagram sockets for it. */
import { execFile } from 'node:child_process';

const noBeat = (): void => undefined;

/** Called once a turn. Beats at a third of the watchdog's time. */
export function beatOf(env: NodeJS.ProcessEnv): () => void {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: watchdog } = env;
  if (socket === undefined || socket === '') return noBeat;
  const everyMs = watchdog === undefined ? Infinity : Number(watchdog) / 1000 / 3;
  let isReady = false;
  let lastAt = 0;
  return () => {
    const now = Date.now();
    if (isReady && Math.abs(now - lastAt) < everyMs) return;
    const words = isReady ? ['WATCHDOG=1'] : ['--ready', '--status=leads', 'WATCHDOG=1'];
    isReady = true;
    lastAt = now;
    // Whoever cannot be told restarts the daemon, which loses nothing.
    execFile('systemd-notify', words, { env, timeout: 5_000 }, () => undefined);
  };
}
