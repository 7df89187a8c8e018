/**
 * One authenticated connection to a host: an OpenSSH master in the background, over which sessions are opened at a
 * few milliseconds each. A bastion is such a connection too, shared by all hosts behind it.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Host, HostAddress } from '../host.ts';
import { HostFailure } from '../host.ts';
import type { Session } from './channel.ts';
import { cancelled, hostFailure } from './failure.ts';
import { startProcess } from './process.ts';
import { Semaphore } from './semaphore.ts';
import type { Jump } from './ssh-config.ts';
import { destinationOf } from './ssh-config.ts';
import { dialOverSsh } from './ssh-dial.ts';
import { isSpawnError, noSsh, openMaster, openTriesMax, saidBy } from './ssh-master.ts';
import type { MasterFiles, Wanted } from './ssh-master.ts';

/** sshd's default is MaxSessions 10; two are left to the operator's own. */
const sessionsMax = 8;

export interface ConnectionPlace {
  /** The private folder, and a name in it that no other connection has. */
  readonly folder: string;
  readonly index: number;
  /** The configuration for sessions, shared by all connections. */
  readonly sessionConfig: string;
  /** The configuration that all connections share: the user's own, and what holds for an unattended runner. */
  readonly config: string;
  /** Paces new connections to whatever is dialled directly. */
  readonly gate: Semaphore;
}

type Dialling = Parameters<Host['dial']>;

export class SshConnection {
  readonly #address: HostAddress;
  readonly #place: ConnectionPlace;
  readonly #bastion: SshConnection | undefined;
  readonly #files: MasterFiles;
  readonly #sessions = new Semaphore(sessionsMax);
  #opening: Promise<void> | undefined;
  #closed = false;

  constructor(address: HostAddress, place: ConnectionPlace, bastion?: SshConnection) {
    this.#address = address;
    this.#place = place;
    this.#bastion = bastion;
    const file = join(place.folder, `c${place.index}`);
    this.#files = { socket: file, log: `${file}.log`, words: `${file}.words`, config: place.config };
  }

  get name(): string {
    return this.#address.name;
  }

  /** Starts one command on the host, connecting first where needed. Rejects with HostFailure; then nothing was sent. */
  async session(wanted: Wanted, command: string, signal: AbortSignal): Promise<Session> {
    const release = await this.#sessions.acquire(signal).catch((reason: unknown) => {
      throw cancelled(wanted.host, reason);
    });
    try {
      await this.#ready(wanted, signal);
      const session = await startProcess('ssh', [
        ...this.#over(),
        '-T',
        '--',
        destinationOf(this.#address),
        command,
      ]);
      void session.ended.then(release);
      return session;
    } catch (error) {
      release();
      throw isSpawnError(error) ? noSsh(wanted, error) : error;
    }
  }

  /** Connects from the host to something that it reaches. Rejects with HostFailure; then nothing was sent. */
  async dial(wanted: Wanted, ...[to, options]: Dialling): Promise<Duplex> {
    for (let attempt = 1; ; attempt += 1) {
      await this.#ready(wanted, options.signal);
      try {
        const way = { ...wanted, args: this.#over(), destination: destinationOf(this.#address) };
        return await dialOverSsh({ ...way, log: () => this.log() }, to, options);
      } catch (error) {
        if (isSpawnError(error)) throw noSsh(wanted, error);
        // A master that had ended has carried nothing; a new one may.
        const isLost = error instanceof HostFailure && error.code === 'CONNECTION_LOST';
        if (!isLost || attempt >= openTriesMax || (await this.isAlive())) throw error;
      }
    }
  }

  /** What the next hop's ProxyCommand needs, once this one is connected. */
  async jump(wanted: Wanted, signal: AbortSignal): Promise<Jump> {
    await this.#ready(wanted, signal);
    return {
      sessionConfig: this.#place.sessionConfig,
      socket: this.#files.socket,
      destination: destinationOf(this.#address),
    };
  }

  /** Whether the master answers. False also removes what a dead one left. */
  async isAlive(): Promise<boolean> {
    if (!existsSync(this.#files.socket)) return false;
    const check = await startProcess('ssh', [
      ...this.#over(),
      '-O',
      'check',
      '--',
      destinationOf(this.#address),
    ]);
    check.stdout.resume();
    check.stderr.resume();
    if ((await check.ended) === 0) return true;
    rmSync(this.#files.socket, { force: true });
    return false;
  }

  /** The host allows fewer sessions than we hold. */
  allowFewerSessions(): void {
    this.#sessions.lower();
  }

  /** What the master has said to people, the end of it. */
  log(): string {
    return saidBy(this.#files.log);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#opening?.catch(() => {});
    if (!existsSync(this.#files.socket)) return;
    const exit = await startProcess('ssh', [
      ...this.#over(),
      '-O',
      'exit',
      '--',
      destinationOf(this.#address),
    ]);
    exit.stdout.resume();
    exit.stderr.resume();
    await exit.ended;
  }

  #over(): string[] {
    return ['-F', this.#place.sessionConfig, '-S', this.#files.socket];
  }

  async #ready(wanted: Wanted, signal: AbortSignal): Promise<void> {
    if (this.#closed) {
      throw hostFailure({ ...wanted, code: 'CANCELLED', what: 'the connection has been closed' });
    }
    if (this.#opening === undefined && existsSync(this.#files.socket)) return;
    this.#opening ??= this.#open(wanted).finally(() => {
      this.#opening = undefined;
    });
    await untilAborted(this.#opening, wanted.host, signal);
  }

  #open(wanted: Wanted): Promise<void> {
    const bastion = this.#bastion;
    const never = new AbortController().signal;
    return openMaster(this.#address, wanted, this.#files, {
      gate: this.#place.gate,
      bastion: bastion && {
        name: bastion.name,
        jump: () => bastion.jump(wanted, never),
        isAlive: () => bastion.isAlive(),
        log: () => bastion.log(),
      },
    });
  }
}

/** Several callers may wait for the same connection; one of them giving up does not end it for the others. */
async function untilAborted(opening: Promise<void>, host: string, signal: AbortSignal): Promise<void> {
  let abort: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      reject(cancelled(host, signal.reason));
    };
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
  try {
    await Promise.race([opening, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
    opening.catch(() => {});
  }
}
