/**
 * The local transport: the machine that Belay itself runs on, through the same protocol as any other host. However many names it
 * has, it is one host: they share a few keepers, between which the names are dealt out.
 */
import type { Duplex } from 'node:stream';
import type { Host, HostAddress, VerifyHost } from '../host.ts';
import type { Channel, Session } from './channel.ts';
import { channelHost, sharedLinks, type SharedLinks } from './channel-host.ts';
import { dialFromHere } from './dial-from-here.ts';
import { hostFailure } from './failure.ts';
import { ownIdentity } from './identity.ts';
import { startProcess } from './process.ts';
import type { HostShell } from './protocol/shell.ts';
import { defaultShell, openingWords } from './protocol/shell.ts';
import { sudoFailure } from './sudo-failure.ts';

/** Each begins two commands by itself; more at once cost some processes more. */
const keepersMax = 8;

/** This machine under all its names. */
export class LocalMachine {
  readonly #shell: HostShell;
  readonly #sessions = new Set<Session>();
  readonly #shared: SharedLinks[] = [];
  #hosts = 0;

  constructor(shell: HostShell = defaultShell) {
    this.#shell = shell;
  }

  host(address: HostAddress, verifyHost: VerifyHost = () => {}): Host {
    const label = labelOf(address);
    const dialled = new Set<Duplex>();
    let isMet = false;
    const meet = async (): Promise<void> => {
      if (!isMet) await verifyHost(address, ownIdentity());
      isMet = true;
    };
    const channel: Channel = {
      ...this.#channel(label, address.name),
      dial: async (to, options) => {
        const socket = await dialFromHere({ host: label, name: address.name }, to, options);
        dialled.add(socket);
        socket.once('close', () => dialled.delete(socket));
        return socket;
      },
    };
    const host = channelHost(address, label, channel, this.#keeper());
    return {
      ...host,
      read: async (...asked) => {
        await meet();
        return host.read(...asked);
      },
      start: async (...asked) => {
        await meet();
        return host.start(...asked);
      },
      poll: async (...asked) => {
        await meet();
        return host.poll(...asked);
      },
      stop: async (...asked) => {
        await meet();
        return host.stop(...asked);
      },
      forget: async (...asked) => {
        await meet();
        return host.forget(...asked);
      },
      close: async () => {
        for (const socket of dialled) socket.destroy();
        await host.close();
      },
    };
  }

  async close(): Promise<void> {
    for (const { links } of this.#shared.splice(0)) links.close();
    for (const session of this.#sessions) session.kill();
    await Promise.resolve();
  }

  /** The next of the few. */
  #keeper(): SharedLinks {
    const at = this.#hosts % keepersMax;
    this.#hosts += 1;
    const label = 'this machine';
    return (this.#shared[at] ??= sharedLinks(label, {
      ...this.#channel(label, label),
      dial: () => Promise.reject(new Error('each name dials by itself')),
    }));
  }

  #channel(host: string, name: string): Omit<Channel, 'dial'> {
    const shell = this.#shell;
    return {
      shell,
      open: async ({ become }) => {
        const [file = shell.sh, ...args] = openingWords(shell, become);
        try {
          const session = await startProcess(file, args);
          this.#sessions.add(session);
          void session.ended.then(() => this.#sessions.delete(session));
          return session;
        } catch (cause) {
          const why = cause instanceof Error ? cause.message : String(cause);
          throw hostFailure({
            host,
            name,
            code: 'TOOL_MISSING',
            what: `${file} cannot be started: ${why}`,
            cause,
          });
        }
      },
      explain: async ({ begun, exitCode, stderr }) =>
        (begun ? undefined : sudoFailure({ host, name, stderr, exitCode })) ??
        hostFailure({
          host,
          name,
          code: begun ? 'CONNECTION_LOST' : 'TOOL_MISSING',
          what: begun
            ? 'the shell that watched the command was ended from outside'
            : `${shell.sh} ended (exit ${exitCode ?? 'by a signal'}) before it ran anything: ${stderr.trim()}`,
          retryable: begun,
          effect: begun ? 'unknown' : 'none',
        }),
      close: () => Promise.resolve(),
    };
  }
}

function labelOf({ name }: HostAddress): string {
  return `${name} (this machine)`;
}

/** One name by itself; its `close` ends all of it. */
export function localHost(address: HostAddress, shell?: HostShell, verifyHost?: VerifyHost): Host {
  const machine = new LocalMachine(shell);
  const host = machine.host(address, verifyHost);
  return {
    ...host,
    close: async () => {
      await host.close();
      await machine.close();
    },
  };
}
