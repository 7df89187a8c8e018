/** The ssh transport: OpenSSH with the user's own configuration, agent and known_hosts, one master per host and bastion. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host, HostAddress, HostIdentity, KeyProof, KeyToProve, VerifyHost } from '../host.ts';
import type { Channel } from './channel.ts';
import { channelHost } from './channel-host.ts';
import type { HostShell } from './protocol/shell.ts';
import { defaultShell, openingWords } from './protocol/shell.ts';
import { Semaphore } from './semaphore.ts';
import { destinationOf, sessionConfig, sharedConfig, userConfigFiles } from './ssh-config.ts';
import { SshConnection } from './ssh-connection.ts';
import { explain } from './ssh-explain.ts';
import { makeSshFolder } from './ssh-folder.ts';
import { checkKeyExchange, knownKeyExchanges } from './ssh-offers.ts';
import { SshPaths } from './ssh-paths.ts';
import { proveKey } from './ssh-prove.ts';
import { Starter } from './ssh-starter.ts';

/** New connections that are under way at once to one bastion or one directly dialled host; sshd's MaxStartups is 10. */
const dialsMax = 8;

export interface SshOptions {
  readonly shell?: HostShell;
  /** Stands in for the user's own ssh configuration, as `ssh -F` does. */
  readonly config?: string;
  /** How ssh agrees on keys, best first; empty: the fast ones first. */
  readonly keyExchange?: readonly string[];
  /** Called with who answered, once for each connection and name. */
  readonly verifyHost?: VerifyHost;
  /** Where the control sockets go if no temporary folder will do. */
  readonly stateDir?: string;
}

/** All ssh connections of one process: bastions are shared, and one `close` ends them. */
export class SshNetwork {
  readonly #shell: HostShell;
  readonly #configFiles: readonly string[];
  readonly #stateDir: string | undefined;
  readonly #keyExchange: readonly string[];
  readonly #verifyHost: VerifyHost;
  readonly #connections = new Map<string, SshConnection>();
  readonly #gates = new Map<string, Semaphore>();
  readonly #starter = new Starter();
  #folder: string | undefined;
  #links: SshPaths | undefined;
  #proofs = 0;

  constructor({
    shell = defaultShell,
    config,
    keyExchange = [],
    stateDir,
    verifyHost = () => {},
  }: SshOptions = {}) {
    this.#keyExchange = keyExchange;
    this.#verifyHost = verifyHost;
    this.#shell = shell;
    this.#stateDir = stateDir;
    this.#configFiles = config === undefined ? userConfigFiles() : [config];
  }

  host(address: HostAddress): Host {
    return channelHost(address, labelOf(address), this.channel(address));
  }

  /** The way to it without the protocol. */
  channel(address: HostAddress): Channel {
    const label = labelOf(address);
    const wanted = { host: label, name: address.name };
    let connection: SshConnection | undefined;
    const connect = (): SshConnection => (connection ??= this.#connection(address));
    let met: HostIdentity | undefined;
    const meet = async (identity: HostIdentity): Promise<void> => {
      if (identity === met) return;
      await this.#verifyHost(address, identity);
      met = identity;
    };
    return {
      shell: this.#shell,
      open: async ({ become, signal }) =>
        connect().session(wanted, openingWords(this.#shell, become), { signal, meet }),
      seen: () => connection?.seen(),
      explain: (broken) => explain(wanted, connect(), broken),
      dial: (to, options) => connect().dial(wanted, to, options),
      proveKey: (key, options) => this.#proveKey(address, label, key, options),
      close: async () => connection?.close(),
    };
  }

  /** Ends every master, hosts before the bastions that they lie behind. */
  async close(): Promise<void> {
    const deepestFirst = Map.groupBy(this.#connections, ([path]) => hopsOf(path));
    for (const [, some] of [...deepestFirst].toSorted(([left], [right]) => right - left)) {
      await Promise.all(some.map(([, connection]) => connection.close()));
    }
    this.#connections.clear();
    this.#starter.close();
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
    this.#links = undefined;
  }

  async #proveKey(
    address: HostAddress,
    label: string,
    key: KeyToProve,
    options: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ): Promise<KeyProof> {
    const wanted = { host: label, name: address.name };
    const bastion = this.#bastionOf(address);
    const jump = await bastion?.jump(wanted, options.signal);
    this.#proofs += 1;
    const place = {
      folder: this.#privateFolder(),
      name: `p${this.#proofs}`,
      config: this.#file('shared'),
      paths: this.#paths(),
      jump,
      through: bastion && { name: bastion.name, log: () => bastion.log() },
    };
    const release = await this.#gate(address).acquire(options.signal);
    try {
      return await proveKey(address, label, key, place, options);
    } finally {
      release();
    }
  }

  #bastionOf({ via = [] }: HostAddress): SshConnection | undefined {
    const last = via.at(-1);
    const before = via.slice(0, -1);
    if (last === undefined) return undefined;
    return this.#connection(before.length === 0 ? last : { ...last, via: before });
  }

  /** The bastions come into the map before what lies behind them. */
  #connection(address: HostAddress): SshConnection {
    const bastion = this.#bastionOf(address);
    const key = JSON.stringify(pathOf(address));
    const known = this.#connections.get(key);
    if (known !== undefined) return known;
    const folder = this.#privateFolder();
    const place = {
      folder,
      index: this.#connections.size,
      sessionConfig: this.#file('session'),
      config: this.#file('shared'),
      paths: this.#paths(),
      gate: this.#gate(address),
      starter: this.#starter,
    };
    const connection = new SshConnection(address, place, bastion);
    this.#connections.set(key, connection);
    return connection;
  }

  #gate(address: HostAddress): Semaphore {
    const first = pathOf(address)[0];
    const key = JSON.stringify([first?.[0], first?.[1]]);
    const gate = this.#gates.get(key) ?? new Semaphore(dialsMax);
    this.#gates.set(key, gate);
    return gate;
  }

  #paths(): SshPaths {
    return (this.#links ??= new SshPaths(this.#privateFolder()));
  }

  #file(config: 'session' | 'shared'): string {
    return join(this.#privateFolder(), `${config}.conf`);
  }

  #privateFolder(): string {
    if (this.#folder === undefined) {
      const kex = { wanted: this.#keyExchange, offered: knownKeyExchanges() };
      checkKeyExchange(kex);
      this.#folder = makeSshFolder(this.#stateDir);
      writeFileSync(this.#file('session'), sessionConfig, { mode: 0o600 });
      const shared = sharedConfig(this.#configFiles, this.#paths(), kex);
      writeFileSync(this.#file('shared'), shared, { mode: 0o600 });
    }
    return this.#folder;
  }
}

/** How many hops a connection's key in the map has. */
function hopsOf(key: string): number {
  const path: unknown = JSON.parse(key);
  return Array.isArray(path) ? path.length : 0;
}

/** Everything that makes a connection what it is, hop by hop. */
function pathOf(address: HostAddress): (string | number | undefined)[][] {
  const { via = [], port, user, identityFile, knownHostsFile } = address;
  const [first, ...others] = via;
  const hops =
    first === undefined ? [] : [...pathOf(first), ...others.flatMap((hop) => pathOf({ ...hop, via: [] }))];
  return [...hops, [destinationOf(address), port, user, identityFile, knownHostsFile]];
}

/** `db1 (10.77.1.20 via bastion1)`. */
function labelOf(address: HostAddress): string {
  const { name, via = [] } = address;
  const at = address.address === undefined || address.address === name ? [] : [address.address];
  const path = via.length === 0 ? [] : [`via ${via.map((hop) => hop.name).join(', ')}`];
  const detail = [...at, ...path].join(' ');
  return detail === '' ? name : `${name} (${detail})`;
}
