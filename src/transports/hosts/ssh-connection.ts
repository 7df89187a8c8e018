/**
 * One authenticated connection to a host: an OpenSSH master in the background, over which sessions are opened at a
 * few milliseconds each. A bastion is such a connection too, shared by all hosts behind it.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Host, HostAddress, HostIdentity } from '../host.ts';
import { HostFailure } from '../host.ts';
import type { Session } from './channel.ts';
import { cancelled, hostFailure, noReply } from './failure.ts';
import { askIdentity, identityLine } from './identity.ts';
import { shellWords } from './protocol/quote.ts';
import { newNonce } from './protocol/token.ts';
import { Semaphore } from './semaphore.ts';
import type { Jump } from './ssh-config.ts';
import { destinationOf } from './ssh-config.ts';
import { dialOverSsh } from './ssh-dial.ts';
import { explain } from './ssh-explain.ts';
import { askMaster } from './ssh-mux.ts';
import type { SshPaths } from './ssh-paths.ts';
import type { Starter } from './ssh-starter.ts';
import { unproven } from './ssh-proven.ts';
import { openSession } from './ssh-session.ts';
import {
  discard,
  isSpawnError,
  seenOf,
  noSsh,
  notProven,
  openMaster,
  openTriesMax,
  saidBy,
  shorten,
} from './ssh-master.ts';
import type { MasterFiles, Wanted } from './ssh-master.ts';

/** sshd's default is MaxSessions 10; two are left to the operator's own. */
const sessionsMax = 8;
/** How long a host that took the login may say nothing. */
const silenceMsMax = 60_000;

export interface ConnectionPlace {
  /** The private folder, and a name in it that no other connection has. */
  readonly folder: string;
  readonly index: number;
  /** The configuration for sessions, shared by all connections. */
  readonly sessionConfig: string;
  /** The configuration that all connections share: the user's own, and what holds for an unattended runner. */
  readonly config: string;
  readonly paths: SshPaths;
  /** Paces new connections to whatever is dialled directly. */
  readonly gate: Semaphore;
  readonly starter: Starter;
}

interface Master {
  readonly files: MasterFiles;
  /** Who answers over it, once that was asked; the session belongs to whoever asked. */
  identity?: Promise<Asked | 'again'> | undefined;
}

/** A session that has said who answers, and waits to go on. */
interface Asked {
  readonly identity: HostIdentity;
  readonly session: Session;
  readonly goOn: () => void;
}

type Meet = (identity: HostIdentity) => Promise<void>;
type Dialling = Parameters<Host['dial']>;

export class SshConnection {
  readonly #address: HostAddress;
  readonly #place: ConnectionPlace;
  readonly #bastion: SshConnection | undefined;
  readonly #sessions = new Semaphore(sessionsMax);
  #opening: Promise<Master> | undefined;
  #master: Master | undefined;
  #masters = 0;
  #closed = false;

  constructor(address: HostAddress, place: ConnectionPlace, bastion?: SshConnection) {
    this.#address = address;
    this.#place = place;
    this.#bastion = bastion;
  }

  get name(): string {
    return this.#address.name;
  }

  /**
   * Starts one command on the host, connecting first where needed; `meet` is told who answered, and may refuse it by
   * throwing. Rejects with HostFailure; then nothing of it was run.
   */
  async session(
    wanted: Wanted,
    command: readonly string[],
    { signal, meet }: { readonly signal: AbortSignal; readonly meet: Meet },
  ): Promise<Session> {
    const release = await this.#sessions.acquire(signal).catch((reason: unknown) => {
      throw cancelled(wanted.host, reason);
    });
    try {
      const session = await this.#met(wanted, command, { signal, meet });
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
      const { files } = await this.#ready(wanted, options.signal);
      try {
        const way = { ...wanted, args: this.#over(files), destination: destinationOf(this.#address) };
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
    const { files } = await this.#ready(wanted, signal);
    return {
      sessionConfig: this.#place.sessionConfig,
      socket: files.socket,
      destination: destinationOf(this.#address),
    };
  }

  /** Whether the master answers. False also removes what a dead one left. */
  async isAlive(): Promise<boolean> {
    const files = this.#master?.files;
    if (files === undefined || !existsSync(files.socket)) return false;
    if (await askMaster(files.socket, 'alive')) return true;
    rmSync(files.socket, { force: true });
    return false;
  }

  /** The host allows fewer sessions than we hold. */
  allowFewerSessions(): void {
    this.#sessions.lower();
  }

  /** What the latest master has said to people, the end of it. */
  log(): string {
    return saidBy(this.#file(this.#masters).log);
  }

  /** How far the master has come that is being made or was made last, as the end of a sentence. */
  seen(): string | undefined {
    return this.#masters === 0 ? undefined : seenOf(this.#file(this.#masters));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#opening?.catch(() => {});
    const files = this.#master?.files;
    if (files !== undefined && existsSync(files.socket)) await askMaster(files.socket, 'terminate');
  }

  /** Each master has files of its own: what was proven of one says nothing of the next. */
  #file(master: number): MasterFiles {
    const file = join(this.#place.folder, `c${this.#place.index}-${master}`);
    const { config, paths } = this.#place;
    return { socket: file, log: `${file}.log`, words: `${file}.words`, config, paths };
  }

  #over(files: MasterFiles): string[] {
    return ['-F', this.#place.sessionConfig, '-S', files.socket];
  }

  async #ready(wanted: Wanted, signal: AbortSignal): Promise<Master> {
    if (this.#closed) {
      throw hostFailure({ ...wanted, code: 'CANCELLED', what: 'the connection has been closed' });
    }
    if (this.#opening === undefined && this.#master !== undefined && existsSync(this.#master.files.socket)) {
      shorten(this.#master.files);
      return this.#master;
    }
    this.#opening ??= this.#open(wanted).finally(() => {
      this.#opening = undefined;
    });
    return untilAborted(this.#opening, wanted.host, signal, () => seenOf(this.#file(this.#masters)));
  }

  async #open(wanted: Wanted): Promise<Master> {
    const bastion = this.#bastion;
    const never = new AbortController().signal;
    if (this.#master !== undefined) discard(this.#master.files);
    this.#masters += 1;
    const files = this.#file(this.#masters);
    await openMaster(this.#address, wanted, files, {
      gate: this.#place.gate,
      starter: this.#place.starter,
      bastion: bastion && {
        name: bastion.name,
        jump: () => bastion.jump(wanted, never),
        isAlive: () => bastion.isAlive(),
        log: () => bastion.log(),
      },
    });
    const trouble = await unproven(this.#address, files);
    if (trouble !== undefined) {
      await askMaster(files.socket, 'terminate');
      throw notProven(wanted, trouble);
    }
    this.#master = { files };
    return this.#master;
  }

  /** The first session over each master says who answers before it becomes the command; the others need not. */
  async #met(
    wanted: Wanted,
    command: readonly string[],
    { signal, meet }: { readonly signal: AbortSignal; readonly meet: Meet },
  ): Promise<Session> {
    for (let attempt = 1; ; attempt += 1) {
      const master = await this.#ready(wanted, signal);
      const own = master.identity === undefined ? this.#ask(wanted, master, command, attempt) : undefined;
      try {
        const asked = own ?? master.identity;
        const answer = asked && (await untilAborted(asked, wanted.host, signal, () => seenOf(master.files)));
        if (answer === undefined || answer === 'again') continue;
        await meet(answer.identity);
        if (own === undefined) return openSession(master.files.socket, `exec ${shellWords(command)}`);
        answer.goOn();
        return answer.session;
      } catch (error) {
        own?.then((answer) => answer === 'again' || answer.session.kill()).catch(() => {});
        throw error;
      }
    }
  }

  #ask(
    wanted: Wanted,
    master: Master,
    command: readonly string[],
    attempt: number,
  ): Promise<Asked | 'again'> {
    const asked = this.#identify(wanted, master.files, command, attempt);
    master.identity = asked;
    const forget = (): void => {
      master.identity = undefined;
    };
    asked.then((answer) => answer === 'again' && forget(), forget);
    return asked;
  }

  async #identify(
    wanted: Wanted,
    files: MasterFiles,
    command: readonly string[],
    attempt: number,
  ): Promise<Asked | 'again'> {
    const nonce = newNonce();
    const session = openSession(files.socket, identityLine(nonce, command));
    const answer = await askIdentity(session, nonce, silenceMsMax);
    if (answer.kind === 'identity') return { ...answer, session };
    if (answer.kind === 'silent') throw noReply(wanted.host, silenceMsMax);
    const failure = await explain(wanted, this, { ...answer, begun: false, attempt });
    if (failure === 'again') return failure;
    throw failure;
  }
}

/** Several callers may wait for the same connection; one of them giving up does not end it for the others. */
async function untilAborted<T>(
  opening: Promise<T>,
  host: string,
  signal: AbortSignal,
  seen: () => string,
): Promise<T> {
  let abort: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      reject(cancelled(host, signal.reason, seen()));
    };
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
  try {
    return await Promise.race([opening, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
    opening.catch(() => {});
  }
}
