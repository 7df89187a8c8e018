/**
 * A TCP connection made from a host, over its ssh master: `ssh -W`. No session is opened on the host and no program
 * of it is run; sshd itself connects. Source: OpenSSH 9.2, mux.c (mux_client_request_stdio_fwd).
 */
import { isIPv6 } from 'node:net';
import { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { DialTarget, Host, HostFailure } from '../host.ts';
import type { Session } from './channel.ts';
import { cancelled, hostFailure } from './failure.ts';
import { startProcess } from './process.ts';

export interface SshWay {
  /** The label and name of the host. */
  readonly host: string;
  readonly name: string;
  /** What leads ssh to the master. */
  readonly args: readonly string[];
  readonly destination: string;
  /** What the master has said: it alone knows why the host could not connect. */
  readonly log: () => string;
}

/** What the client says once the host has connected; without it nothing tells an open connection from a slow one. */
const opened = /master session id: \d+/;
const talkBytesKept = 16 * 1024;

/** Rejects with HostFailure, CONNECTION_LOST where the master is gone; or with the system's error where ssh is missing. */
export async function dialOverSsh(
  way: SshWay,
  to: DialTarget,
  { signal, timeoutMs }: Parameters<Host['dial']>[1],
): Promise<Duplex> {
  const address = isIPv6(to.address) ? `[${to.address}]` : to.address;
  if (!/^[\w[][\w.[\]:%-]*$/.test(address)) {
    throw hostFailure({
      ...way,
      code: 'UNREACHABLE',
      what: `from it nothing can be connected to by the address ${JSON.stringify(to.address)}`,
    });
  }
  const session = await startProcess('ssh', [
    ...way.args,
    '-o',
    'LogLevel=DEBUG1',
    '-W',
    `${address}:${to.port}`,
    '--',
    way.destination,
  ]);
  const talk = await untilOpened(session, { signal, timeoutMs, way, to });
  if (talk !== undefined) {
    session.stdout.destroy();
    throw refusal(way, to, talk);
  }
  return new SessionStream(session);
}

/**
 * The two pipes of the ssh client as one connection; its end ends the client. A server may answer and close before it has
 * read all that it was sent; then a write fails, and what it said is on its way all the same: the reading side tells the end.
 */
export class SessionStream extends Duplex {
  readonly #session: Session;

  constructor(session: Session) {
    super({ allowHalfOpen: false });
    this.#session = session;
    session.stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) session.stdout.pause();
    });
    session.stdout.once('end', () => this.push(null));
    session.stdout.once('error', (error) => this.destroy(error));
    this.on('error', () => {});
    session.stdout.resume();
  }

  override _read(): void {
    this.#session.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#session.stdin.write(chunk, () => callback());
  }

  override _final(callback: (error?: Error | null) => void): void {
    const { stdin } = this.#session;
    stdin.end();
    // Not `end(callback)`: on a pipe that went with its client before it was ended, Node 26 never calls that back.
    void finished(stdin, { readable: false }).then(
      () => callback(),
      () => callback(),
    );
  }

  /** As a socket has it, and as Node's HTTP client ends a connection that it does not keep: without waiting for the other side. */
  destroySoon(): void {
    this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#session.kill();
    this.#session.stdout.destroy();
    callback(error);
  }
}

/** Undefined when the host has connected; otherwise what ssh said before it ended. */
async function untilOpened(
  session: Session,
  {
    signal,
    timeoutMs,
    way,
    to,
  }: {
    readonly signal: AbortSignal;
    readonly timeoutMs: number;
    readonly way: SshWay;
    readonly to: DialTarget;
  },
): Promise<string | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  let talk = '';
  const listen = (chunk: Buffer): void => {
    talk = (talk + chunk.toString('utf8')).slice(-talkBytesKept);
    if (opened.test(talk)) resolve(undefined);
  };
  session.stderr.on('data', listen);
  session.stderr.on('error', () => {}).resume();
  // What it said last may be read only after its end is known.
  const silent = finished(session.stderr, { writable: false }).catch(() => {});
  void session.ended.then(() => silent).then(() => resolve(talk));
  const abort = (): void => reject(cancelled(way.host, signal.reason));
  const timer = setTimeout(() => {
    const what = `connecting from it to ${to.address} port ${to.port} failed: no answer within ${timeoutMs / 1000} s`;
    reject(hostFailure({ ...way, code: 'NO_REPLY', what, retryable: true }));
  }, timeoutMs);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await promise;
  } catch (error) {
    session.kill();
    session.stdout.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    // Nothing that is said later is of use, and an unread pipe would stop ssh.
    session.stderr.off('data', listen);
    session.stderr.resume();
  }
}

function refusal(way: SshWay, to: DialTarget, talk: string): HostFailure {
  const place = `${to.address} port ${to.port}`;
  if (!/forwarding request failed/.test(talk)) {
    const what = `the connection over which ${place} was to be reached had ended`;
    return hostFailure({ ...way, code: 'CONNECTION_LOST', what, retryable: true });
  }
  const said = [...way.log().matchAll(/open failed: ([^\n]*)/g)].at(-1)?.[1]?.trim() ?? 'it gave no reason';
  if (said.startsWith('administratively prohibited')) {
    return hostFailure({
      ...way,
      code: 'DIAL_FORBIDDEN',
      what: `its sshd forbids connections from the host to ${place}`,
      next: `Allow them for this user in sshd_config: AllowTcpForwarding local, and PermitOpen ${to.address}:${to.port}.`,
    });
  }
  const why = said.replace(/^connect failed: /, '');
  const code = /refused/i.test(why) ? 'PORT_REFUSED' : 'UNREACHABLE';
  return hostFailure({
    ...way,
    code,
    what: `connecting from it to ${place} failed: ${why}`,
    retryable: true,
  });
}
