/**
 * A TCP connection made from a host, over its ssh master: the channel that `ssh -W` opens, without a process of its own. No session is
 * opened on the host and no program of it is run; sshd itself connects.
 */
import { isIPv6 } from 'node:net';
import { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { DialTarget, Host, HostFailure } from '../host.ts';
import type { Session } from './channel.ts';
import { cancelled, hostFailure } from './failure.ts';
import { printable } from './protocol/words.ts';
import { openConnection, type Connected } from './ssh-session.ts';

export interface SshWay {
  /** The label and name of the host. */
  readonly host: string;
  readonly name: string;
  /** The master's control socket. */
  readonly socket: string;
}

/** RFC 4254, 5.1. */
const administrativelyProhibited = 1;

/** Rejects with HostFailure, CONNECTION_LOST where the master is gone. */
export async function dialOverSsh(
  way: SshWay,
  to: DialTarget,
  { signal, timeoutMs }: Parameters<Host['dial']>[1],
): Promise<Duplex> {
  if (!isIPv6(to.address) && !/^\w[\w.-]*$/.test(to.address)) {
    throw hostFailure({
      ...way,
      code: 'UNREACHABLE',
      what: `from it nothing can be connected to by the address ${JSON.stringify(to.address)}`,
    });
  }
  const { session, connected } = openConnection(way.socket, to);
  const answer = await untilConnected(session, connected, { signal, timeoutMs, way, to });
  if (answer.kind !== 'open') {
    session.stdout.destroy();
    throw refusal(way, to, answer);
  }
  session.stderr.resume();
  return new SessionStream(session);
}

/**
 * The two streams of the channel as one connection; its end ends the channel. A server may answer and close before it has
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

async function untilConnected(
  session: Session,
  connected: Promise<Connected>,
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
): Promise<Connected> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(cancelled(way.host, signal.reason));
  const timer = setTimeout(() => {
    const what = `connecting from it to ${to.address} port ${to.port} failed: no answer within ${timeoutMs / 1000} s`;
    reject(hostFailure({ ...way, code: 'NO_REPLY', what, retryable: true }));
  }, timeoutMs);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([promise, connected]);
  } catch (error) {
    session.kill();
    session.stdout.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

function refusal(way: SshWay, to: DialTarget, answer: Exclude<Connected, { kind: 'open' }>): HostFailure {
  const place = `${to.address} port ${to.port}`;
  if (answer.kind === 'lost') {
    const what = `the connection over which ${place} was to be reached had ended`;
    return hostFailure({ ...way, code: 'CONNECTION_LOST', what, retryable: true });
  }
  if (answer.reason === administrativelyProhibited) {
    return hostFailure({
      ...way,
      code: 'DIAL_FORBIDDEN',
      what: `its sshd forbids connections from the host to ${place}`,
      next: `Allow them for this user in sshd_config: AllowTcpForwarding local, and PermitOpen ${to.address}:${to.port}.`,
    });
  }
  const why = answer.text === '' ? 'it gave no reason' : printable(answer.text);
  const code = /refused/i.test(why) ? 'PORT_REFUSED' : 'UNREACHABLE';
  return hostFailure({
    ...way,
    code,
    what: `connecting from it to ${place} failed: ${why}`,
    retryable: true,
  });
}
