/** The local transport: the machine that Belay itself runs on, through the same protocol as any other host. */
import type { Duplex } from 'node:stream';
import type { Host, HostAddress, VerifyHost } from '../host.ts';
import type { Channel, Session } from './channel.ts';
import { channelHost } from './channel-host.ts';
import { dialFromHere } from './dial-from-here.ts';
import { hostFailure } from './failure.ts';
import { ownIdentity } from './identity.ts';
import { startProcess } from './process.ts';
import type { HostShell } from './protocol/shell.ts';
import { defaultShell, openingWords } from './protocol/shell.ts';
import { sudoFailure } from './sudo-failure.ts';

export function localHost(
  address: HostAddress,
  shell: HostShell = defaultShell,
  verifyHost: VerifyHost = () => {},
): Host {
  const { name } = address;
  const label = `${name} (this machine)`;
  const sessions = new Set<Session>();
  const dialled = new Set<Duplex>();
  let isMet = false;
  const channel: Channel = {
    shell,
    open: async ({ become }) => {
      if (!isMet) await verifyHost(address, ownIdentity());
      isMet = true;
      const [file = shell.sh, ...args] = openingWords(shell, become);
      try {
        const session = await startProcess(file, args);
        sessions.add(session);
        void session.ended.then(() => sessions.delete(session));
        return session;
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw hostFailure({
          host: label,
          name,
          code: 'TOOL_MISSING',
          what: `${file} cannot be started: ${why}`,
          cause,
        });
      }
    },
    explain: async ({ begun, exitCode, stderr }) =>
      (begun ? undefined : sudoFailure({ host: label, name, stderr, exitCode })) ??
      hostFailure({
        host: label,
        name,
        code: begun ? 'CONNECTION_LOST' : 'TOOL_MISSING',
        what: begun
          ? 'the shell that watched the command was ended from outside'
          : `${shell.sh} ended (exit ${exitCode ?? 'by a signal'}) before it ran anything: ${stderr.trim()}`,
        retryable: begun,
        effect: begun ? 'unknown' : 'none',
      }),
    dial: async (to, options) => {
      const socket = await dialFromHere({ host: label, name }, to, options);
      dialled.add(socket);
      socket.once('close', () => dialled.delete(socket));
      return socket;
    },
    close: async () => {
      for (const session of sessions) session.kill();
      for (const socket of dialled) socket.destroy();
    },
  };
  return channelHost(address, label, channel);
}
