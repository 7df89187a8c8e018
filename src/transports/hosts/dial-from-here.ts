/** A TCP connection from this machine, its troubles told as a host's. */
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Host, HostFailureCode } from '../host.ts';
import { cancelled, hostFailure } from './failure.ts';

/** Resolves when it stands. Rejects with HostFailure; nothing was sent then. */
export function dialFromHere(
  wanted: { readonly host: string; readonly name: string },
  ...[{ address, port }, { signal, timeoutMs }]: Parameters<Host['dial']>
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port });
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    };
    const fail = (error: Error): void => {
      end();
      socket.destroy();
      reject(error);
    };
    const abort = (): void => fail(cancelled(wanted.host, signal.reason));
    const trouble = (code: HostFailureCode, why: string, cause?: unknown) =>
      hostFailure({
        ...wanted,
        code,
        what: `connecting to ${address} port ${port} failed: ${why}`,
        retryable: true,
        cause,
      });
    const timer = setTimeout(() => {
      fail(trouble('NO_REPLY', `no answer within ${timeoutMs / 1000} s`));
    }, timeoutMs);
    socket.once('connect', () => {
      end();
      resolve(socket);
    });
    // Stays: after the connection stands, its user hears of an error by the stream, and nobody may be left unheard.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      fail(trouble(error.code === 'ECONNREFUSED' ? 'PORT_REFUSED' : 'UNREACHABLE', reasonOf(error), error));
    });
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
}

/** A name with several addresses fails with one error for each. */
function reasonOf(error: NodeJS.ErrnoException): string {
  if (error instanceof AggregateError) {
    return error.errors.map((each) => (each instanceof Error ? each.message : String(each))).join('; ');
  }
  return error.message;
}
