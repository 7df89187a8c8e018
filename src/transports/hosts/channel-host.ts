/** A Host over any channel that gives a shell: the local process and ssh transports. */
import type { Host, HostAddress } from '../host.ts';
import type { Channel } from './channel.ts';
import { inputTooLarge, notOverSsh } from './failure.ts';
import { LinkCommands } from './link-commands.ts';
import { readOverLink, readsAtOnceMax } from './link-read.ts';
import { HostLinks } from './links.ts';
import { cancelled } from './failure.ts';
import { Semaphore } from './semaphore.ts';

/** The host's shell holds the whole request in memory until the command has begun. */
const requestBytesMax = 64 * 1024 * 1024;
/** One poll may wait so long; a caller gets to look at its own clock. */
const waitMsMax = 30_000;
/** One poll hands over at most so much, so that a caller gets to write down how far it has come. */
const pollBytesMax = 64 * 1024 * 1024;
/** How long the host may take to forget what it was told to when everything is closed. */
const closeMsMax = 5_000;

/** What is open to one host, whatever names it has. */
export interface SharedLinks {
  readonly links: HostLinks;
  readonly reads: Semaphore;
}

export function sharedLinks(label: string, channel: Channel): SharedLinks {
  return { links: new HostLinks(label, channel), reads: new Semaphore(readsAtOnceMax) };
}

/** `shared`: closed by whoever opened it. */
export function channelHost(
  address: HostAddress,
  label: string,
  channel: Channel,
  shared?: SharedLinks,
): Host {
  const { name, transport, instanceId, become } = address;
  const { links, reads } = shared ?? sharedLinks(label, channel);
  const commands = new LinkCommands(label, channel.shell);

  return {
    name,
    label,
    transport,
    ...(address.address === undefined ? {} : { address: address.address }),
    ...(instanceId === undefined ? {} : { instanceId }),
    carriesSecrets: true,

    read: async (script, { signal, timeoutMs }) => {
      const endsAt = Date.now() + timeoutMs;
      const release = await reads.acquire(signal).catch((reason: unknown) => {
        throw cancelled(label, reason);
      });
      try {
        const as = script.withoutBecome === true ? 'none' : become;
        return await links.ask({ become: as, host: label, signal }, (link) => {
          void commands.flush(link);
          return readOverLink(label, link, script, { signal, timeoutMs, endsAt });
        });
      } finally {
        release();
      }
    },

    start: (token, script, { signal }) => {
      const bytes = script.text.length + ((script.stdin?.byteLength ?? 0) * 4) / 3;
      if (bytes > requestBytesMax) throw inputTooLarge(label, bytes, requestBytesMax, transport);
      return links.ask({ become, host: label, signal }, (link) => commands.start(link, token, script));
    },

    poll: (token, { from, sink, waitMs, signal }) => {
      const untilMs = Date.now() + Math.min(waitMs, waitMsMax);
      return links.ask({ become, host: label, signal }, (link) =>
        commands.poll(link, token, { from, sink, untilMs, bytesMax: pollBytesMax, signal }),
      );
    },

    stop: (token, { signal }) =>
      links.ask({ become, host: label, signal }, (link) => commands.stop(link, token)),

    forget: (token, { signal }) =>
      links.ask({ become, host: label, signal }, (link) => commands.forget(link, token)),

    dial: (to, options) => channel.dial(to, options),

    proveKey: channel.proveKey ?? (() => notOverSsh(label, name)),

    close: async () => {
      const flushed = Promise.all(links.open().map((link) => commands.flush(link)));
      const timer = Promise.withResolvers<void>();
      const timeout = setTimeout(timer.resolve, closeMsMax);
      await Promise.race([flushed, timer.promise]);
      clearTimeout(timeout);
      if (shared !== undefined) return;
      links.close();
      await channel.close();
    },
  };
}
