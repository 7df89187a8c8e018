/** One connection to an HTTP server, over whatever was dialled: TLS with a name and an authority, or plain. */
import type { Duplex } from 'node:stream';
import { isIP } from 'node:net';
import { connect, rootCertificates, type PeerCertificate, type TLSSocket } from 'node:tls';
import { dialFailure, HttpFailure, tlsFailure } from './failure.ts';

export interface HttpEndpoint {
  /** For people, first word of every failure: `minio1 port 9000`. */
  readonly label: string;
  /** The Host header, which signatures cover: `minio1:9000`. */
  readonly authority: string;
  /** Makes a new connection. Rejects with HostFailure. */
  dial(options: { readonly signal: AbortSignal; readonly timeoutMs: number }): Promise<Duplex>;
  /** Undefined: plain HTTP. */
  readonly tls?: {
    /** The name or address that the certificate must hold. */
    readonly serverName: string;
    /** PEM of the authorities trusted besides the public ones. */
    readonly ca?: string;
  };
}

export interface ConnectOptions {
  readonly signal: AbortSignal;
  /** For the connection, and again for the handshake. */
  readonly timeoutMs: number;
}

/** Ready to be spoken HTTP over. Rejects with HttpFailure or HostFailure; nothing was asked then. */
export async function openConnection(endpoint: HttpEndpoint, options: ConnectOptions): Promise<Duplex> {
  const raw = await dial(endpoint, options);
  if (endpoint.tls === undefined) return raw;
  return shakeHands(endpoint, raw, endpoint.tls, { ...options, trusted: true });
}

/** The certificate that the server shows, trusted or not. Undefined members where it has none of them. */
export async function peerCertificate(
  endpoint: HttpEndpoint,
  options: ConnectOptions,
): Promise<PeerCertificate> {
  const raw = await dial(endpoint, options);
  const tls = endpoint.tls ?? { serverName: endpoint.authority.replace(/:\d+$/, '') };
  const socket = await shakeHands(endpoint, raw, tls, { ...options, trusted: false });
  try {
    return socket.getPeerCertificate(true);
  } finally {
    socket.destroy();
  }
}

async function dial(endpoint: HttpEndpoint, options: ConnectOptions): Promise<Duplex> {
  try {
    return await endpoint.dial(options);
  } catch (error) {
    throw dialFailure(endpoint.label, error);
  }
}

function shakeHands(
  { label }: HttpEndpoint,
  raw: Duplex,
  { serverName, ca }: { readonly serverName: string; readonly ca?: string },
  { signal, timeoutMs, trusted }: ConnectOptions & { readonly trusted: boolean },
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      socket: raw,
      host: serverName,
      ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
      ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: trusted,
    });
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    };
    const fail = (failure: Error): void => {
      end();
      socket.destroy();
      raw.destroy();
      reject(failure);
    };
    const abort = (): void => fail(cancelled(label, signal.reason, 'none'));
    const timer = setTimeout(() => fail(silent(label, timeoutMs, 'none')), timeoutMs);
    socket.once('secureConnect', () => {
      end();
      resolve(socket);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => fail(tlsFailure(label, serverName, error)));
    socket.once('close', () => {
      raw.destroy();
      const lost = new Error('closed during the handshake');
      fail(tlsFailure(label, serverName, Object.assign(lost, { code: 'ECONNRESET' })));
    });
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
}

export function cancelled(label: string, cause: unknown, effect: 'none' | 'unknown'): HttpFailure {
  const message = `${label}: given up before the server had answered.`;
  return new HttpFailure({ code: 'CANCELLED', message, retryable: false, effect, cause });
}

export function silent(label: string, timeoutMs: number, effect: 'none' | 'unknown'): HttpFailure {
  const message = `${label}: connected, and then nothing came for ${timeoutMs / 1000} s. The server hangs, or something on its way does.`;
  return new HttpFailure({ code: 'NO_REPLY', message, retryable: true, effect });
}

export function unconnected(label: string, timeoutMs: number): HttpFailure {
  const message = `${label}: not asked: Belay got no connection to it within ${timeoutMs / 1000} s. Those that are open are busy, or the way there is slow.`;
  return new HttpFailure({ code: 'NO_REPLY', message, retryable: true, effect: 'none' });
}
