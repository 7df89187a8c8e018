/** A Host over any channel that gives a shell: the local process and ssh transports. */
import type { CommandState, Host, HostAddress } from '../host.ts';
import type { Channel } from './channel.ts';
import { exchange } from './exchange.ts';
import { inputTooLarge } from './failure.ts';
import { forgetRequest, pollRequest, stopRequest } from './protocol/follow.ts';
import { startRequest } from './protocol/start.ts';
import { commandState, neverAnswered, stillRunning } from './protocol/state.ts';
import { folderOf, newNonce } from './protocol/token.ts';
import { readOverChannel } from './read-over-channel.ts';

/** The host's shell holds the whole request in memory until the command has begun. */
const requestBytesMax = 64 * 1024 * 1024;
/** One poll may wait so long on the host; a runner that died leaves no poll behind for longer. */
const waitMsMax = 30_000;
/** One reply carries at most so much, so that a caller gets to write down how far it has come. */
const replyBytesMax = 64 * 1024 * 1024;

export function channelHost(address: HostAddress, label: string, channel: Channel): Host {
  const { name, transport, instanceId } = address;
  const { shell } = channel;
  const ask = (bytes: Uint8Array, nonce: string, signal: AbortSignal, withoutBecome = false) =>
    exchange(label, channel, { bytes, nonce, signal, become: withoutBecome ? 'none' : address.become });

  return {
    name,
    label,
    transport,
    ...(instanceId === undefined ? {} : { instanceId }),
    carriesSecrets: true,

    read: (script, { signal, timeoutMs }) =>
      readOverChannel(label, channel, script, {
        signal,
        timeoutMs,
        become: script.withoutBecome === true ? 'none' : address.become,
      }),

    start: async (token, script, { signal }) => {
      const nonce = newNonce();
      const bytes = startRequest(shell, folderOf(token), nonce, { token, script });
      if (bytes.byteLength > requestBytesMax) {
        throw inputTooLarge(label, bytes.byteLength, requestBytesMax, transport);
      }
      const { words } = await ask(bytes, nonce, signal);
      if (words !== 'begun' && words !== 'already') neverAnswered(words, label);
    },

    poll: async (token, { from, sink, waitMs, signal }): Promise<CommandState> => {
      const nonce = newNonce();
      const bytes = pollRequest(shell, folderOf(token), nonce, {
        from,
        waitMs: Math.min(waitMs, waitMsMax),
        bytesMax: replyBytesMax,
        offsetMax: Number.MAX_SAFE_INTEGER,
      });
      const reply = await exchange(label, channel, { bytes, nonce, signal, sink, become: address.become });
      const next = { stdout: from.stdout + reply.stdout, stderr: from.stderr + reply.stderr };
      return commandState(reply.words, next, label);
    },

    stop: async (token, { signal }) => {
      const nonce = newNonce();
      const { words } = await ask(stopRequest(shell, folderOf(token), nonce), nonce, signal);
      if (words.startsWith('alive ')) {
        throw stillRunning(words, label, 'could not be stopped, not even by KILL');
      }
      if (words !== 'stopped') neverAnswered(words, label);
    },

    forget: async (token, { signal }) => {
      const nonce = newNonce();
      const { words } = await ask(forgetRequest(shell, folderOf(token), nonce), nonce, signal);
      if (words.startsWith('alive ')) throw stillRunning(words, label, 'cannot be forgotten while it runs');
      if (words !== 'forgotten') neverAnswered(words, label);
    },

    dial: (to, options) => channel.dial(to, options),

    close: () => channel.close(),
  };
}
