/**
 * One authenticated connection to a host: an OpenSSH master in the background, over which sessions are opened at a
 * few milliseconds each. A bastion is such a connection too, shared by all hosts behind it.
 */
import { once } from 'node:events';
import { createWriteStream, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Host, HostAddress } from '../host.ts';
import { HostFailure } from '../host.ts';
import type { Session } from './channel.ts';
import { cancelled, hostFailure } from './failure.ts';
import { startProcess } from './process.ts';
import { Semaphore } from './semaphore.ts';
import type { Jump } from './ssh-config.ts';
import { destinationOf, masterConfig } from './ssh-config.ts';
import { dialOverSsh } from './ssh-dial.ts';
import { connectFailure } from './ssh-failure.ts';

/** sshd's default is MaxSessions 10; two are left to the operator's own. */
const sessionsMax = 8;
/** Agents may ask for a touch or a confirmation, and sshd itself gives up after two minutes. */
const openMsMax = 60_000;
const logBytesRead = 64 * 1024;
/** sshd drops some of many simultaneous connections (MaxStartups); such a refusal is tried again after a random wait. */
const openTriesMax = 4;

export interface ConnectionPlace {
  /** The private folder, and a name in it that no other connection has. */
  readonly folder: string;
  readonly index: number;
  /** The configuration for sessions, shared by all connections. */
  readonly sessionConfig: string;
  /** The user's own configuration, from which everything is taken that the inventory does not say. */
  readonly configFiles: readonly string[];
  /** Paces new connections to whatever is dialled directly. */
  readonly gate: Semaphore;
}

type Dialling = Parameters<Host['dial']>;

export class SshConnection {
  readonly #address: HostAddress;
  readonly #place: ConnectionPlace;
  readonly #bastion: SshConnection | undefined;
  readonly #socket: string;
  readonly #log: string;
  readonly #config: string;
  readonly #sessions = new Semaphore(sessionsMax);
  #opening: Promise<void> | undefined;
  #closed = false;

  constructor(address: HostAddress, place: ConnectionPlace, bastion?: SshConnection) {
    this.#address = address;
    this.#place = place;
    this.#bastion = bastion;
    const file = join(place.folder, `c${place.index}`);
    this.#socket = file;
    this.#log = `${file}.log`;
    this.#config = `${file}.conf`;
  }

  get name(): string {
    return this.#address.name;
  }

  /** Starts one command on the host, connecting first where needed. Rejects with HostFailure; then nothing was sent. */
  async session(
    wanted: { host: string; name: string },
    command: string,
    signal: AbortSignal,
  ): Promise<Session> {
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
  async dial(wanted: { host: string; name: string }, ...[to, options]: Dialling): Promise<Duplex> {
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
  async jump(wanted: { host: string; name: string }, signal: AbortSignal): Promise<Jump> {
    await this.#ready(wanted, signal);
    return {
      sessionConfig: this.#place.sessionConfig,
      socket: this.#socket,
      destination: destinationOf(this.#address),
    };
  }

  /** Whether the master answers. False also removes what a dead one left. */
  async isAlive(): Promise<boolean> {
    if (!existsSync(this.#socket)) return false;
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
    rmSync(this.#socket, { force: true });
    return false;
  }

  /** The host allows fewer sessions than we hold. */
  allowFewerSessions(): void {
    this.#sessions.lower();
  }

  /** What the master has said, the end of it. */
  log(): string {
    return readEnd(this.#log);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#opening?.catch(() => {});
    if (!existsSync(this.#socket)) return;
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
    return ['-F', this.#place.sessionConfig, '-S', this.#socket];
  }

  async #ready(wanted: { host: string; name: string }, signal: AbortSignal): Promise<void> {
    if (this.#closed) {
      throw hostFailure({ ...wanted, code: 'CANCELLED', what: 'the connection has been closed' });
    }
    if (this.#opening === undefined && existsSync(this.#socket)) return;
    this.#opening ??= this.#open(wanted).finally(() => {
      this.#opening = undefined;
    });
    await untilAborted(this.#opening, wanted.host, signal);
  }

  async #open(wanted: { host: string; name: string }): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const jump = await this.#bastion?.jump(wanted, new AbortController().signal);
      const config = masterConfig(
        this.#address,
        { socket: this.#socket, log: this.#log },
        jump,
        this.#place.configFiles,
      );
      writeFileSync(this.#config, config, { mode: 0o600 });
      rmSync(this.#log, { force: true });
      const release = await this.#place.gate.acquire();
      try {
        if (await this.#dial(wanted)) return;
      } finally {
        release();
      }
      const failure = this.#failure(wanted);
      const again = wasDropped(this.log()) || (await this.#bastion?.isAlive()) === false;
      if (attempt >= openTriesMax || !again) throw failure;
      await new Promise((resolve) => {
        setTimeout(resolve, (200 + Math.random() * 800) * attempt);
      });
    }
  }

  /** Runs the master until it has authenticated and gone to the background; false when it failed. */
  async #dial(wanted: { host: string; name: string }): Promise<boolean> {
    const master = await this.#startMaster(wanted);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      master.kill();
    }, openMsMax);
    const exitCode = await master.ended;
    clearTimeout(timer);
    if (late) {
      throw this.#failure(
        wanted,
        `connection to ${destinationOf(this.#address)} timed out during banner exchange`,
      );
    }
    return exitCode === 0;
  }

  async #startMaster(wanted: { host: string; name: string }): Promise<Pick<Session, 'ended' | 'kill'>> {
    const { execa } = await import('execa');
    // A file, not a pipe: the master outlives a killed runner, and the words of a ProxyCommand come here too.
    const log = createWriteStream(this.#log, { flags: 'a', mode: 0o600 });
    await once(log, 'open');
    try {
      const args = ['-F', this.#config, '-E', this.#log, '-N', '-T', '--', destinationOf(this.#address)];
      const subprocess = execa('ssh', args, {
        stdin: 'ignore',
        stdout: 'ignore',
        stderr: log,
        buffer: false,
        reject: false,
        detached: true,
        cleanup: false,
      });
      if (subprocess.pid === undefined) throw noSsh(wanted, (await subprocess).cause);
      return {
        ended: subprocess.then(({ exitCode }) => exitCode),
        kill: () => {
          subprocess.kill('SIGTERM');
        },
      };
    } finally {
      log.close();
    }
  }

  #failure(wanted: { host: string; name: string }, added = ''): HostFailure {
    const { name, port } = this.#address;
    const destination = destinationOf(this.#address);
    return connectFailure({
      ...wanted,
      ...(name === wanted.name ? {} : { hop: name }),
      ...(this.#bastion === undefined
        ? {}
        : { through: { name: this.#bastion.name, log: this.#bastion.log() } }),
      destination: port === undefined || port === 22 ? destination : `[${destination}]:${port}`,
      log: `${this.log()}\n${added}`,
    });
  }
}

/** sshd itself closed the connection before it had even greeted: it has too many unauthenticated ones. */
function wasDropped(log: string): boolean {
  if (/forwarding request failed|Control socket/i.test(log)) return false;
  return /kex_exchange_identification: (?:Connection closed|read: Connection reset)|Exceeded MaxStartups/.test(
    log,
  );
}

function isSpawnError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error && String(error.syscall).startsWith('spawn');
}

function noSsh(wanted: { host: string; name: string }, cause: unknown): HostFailure {
  const why = cause instanceof Error ? cause.message : String(cause);
  return hostFailure({
    ...wanted,
    code: 'TOOL_MISSING',
    what: `ssh could not be started on this machine: ${why}`,
    next: 'Belay uses the OpenSSH client; install it (openssh-client, openssh-clients).',
    cause,
  });
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

function readEnd(file: string): string {
  try {
    const bytes = statSync(file).size;
    return readFileSync(file)
      .subarray(Math.max(0, bytes - logBytesRead))
      .toString('utf8');
  } catch {
    return '';
  }
}
