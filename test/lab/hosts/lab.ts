/**
 * A lab of real hosts for tests: systemd, sshd, apt or dnf, PostgreSQL and volumes in namespaces of this machine.
 *
 *     const lab = await Lab.up({ hosts: ['b1', 'db1', 'h1'] });   // 2 to 4 s
 *     await lab.exec('h1', 'systemctl is-active ssh');
 *     await lab.down();
 *
 * Host names say what a host is: see test/lab/README.md. Labs of different tests run side by side.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { command, enter, LabFailure, stateFolder, type CommandResult, type LabId } from './command.ts';
import { leftovers } from './leftovers.ts';
import { takeSlot, type Slot } from './slot.ts';
import { unavailable } from './unavailable.ts';
import { Volumes } from './volumes.ts';

/** An entry of `hosts:` in a belay.yaml. */
export interface LabInventoryHost {
  readonly address: string;
  readonly user: string;
  readonly identityFile: string;
  readonly knownHostsFile: string;
  readonly become: 'sudo';
  readonly via?: string;
}

export interface ExecOptions {
  readonly stdin?: string | Uint8Array;
  /** Then TERM, and KILL five seconds later; the code is 124. Default 120. */
  readonly timeoutSeconds?: number;
}

export type NetworkFault =
  /** The cable out, and in again. */
  | readonly ['down' | 'up']
  /** Incoming packets dropped at random. */
  | readonly ['loss', percent: number]
  /** Both ways, as tc spells it: `1mbit`. */
  | readonly ['rate', rate: string]
  /** Connects to this port meet silence. */
  | readonly ['portdrop', port: number]
  /** All of them ended. */
  | readonly ['clear'];

export class Lab {
  static readonly unavailable = unavailable;

  /**
   * Boots these hosts in a lab of their own, waiting for a free one up to five minutes. Private hosts (p1.., db1..)
   * bring their bastion b1 along. Rejects with LabFailure; then nothing is left.
   */
  static async up(options: { readonly hosts: readonly string[] }): Promise<Lab> {
    const reason = unavailable();
    if (reason !== undefined) throw new LabFailure('Unavailable', reason);
    const slot = await takeSlot();
    const lab = new Lab(slot.id, slot);
    try {
      await lab.add(...options.hosts);
    } catch (error) {
      await lab.down();
      throw error;
    }
    return lab;
  }

  /** The lab that is up under this id: for the command line, which does not hold it between commands. */
  static attach(id: LabId): Lab {
    return new Lab(id);
  }

  readonly id: LabId;
  readonly volumes: Volumes;
  /** Where this lab's files are; gone after `down`. */
  readonly stateFolder: string;
  /** For `ssh -F`: every host by name, private ones through b1, strict host keys. */
  readonly sshConfig: string;
  readonly knownHosts: string;
  /** The private key that users ops (sudo), limited (no sudo) and root accept. */
  readonly identityFile: string;
  /** A private key that no host knows. */
  readonly rogueKey: string;
  readonly #slot: Slot | undefined;
  #isDown = false;

  private constructor(id: LabId, slot?: Slot) {
    this.id = id;
    this.#slot = slot;
    this.volumes = new Volumes(id);
    this.stateFolder = stateFolder(id);
    this.sshConfig = join(this.stateFolder, 'ssh_config');
    this.knownHosts = join(this.stateFolder, 'known_hosts');
    this.identityFile = join(this.stateFolder, 'keys', 'id');
    this.rogueKey = join(this.stateFolder, 'keys', 'rogue');
  }

  /** More hosts; those already there are left alone. */
  async add(...hosts: readonly string[]): Promise<void> {
    await command(this.id, 'up', ...hosts);
  }

  get hosts(): readonly string[] {
    return this.#table().map(({ host }) => host);
  }

  address(host: string): string {
    return this.#entry(host).address;
  }

  /** Where this host finds the controller's forwarded ports: see `forward`. */
  controller(host: string): string {
    return `10.${77 + this.id}.${this.#entry(host).via === undefined ? 0 : 1}.1`;
  }

  /** From now on hosts reach whatever listens on the controller's 127.0.0.1:port, at `controller(host)`:port. */
  async forward(port: number): Promise<void> {
    await command(this.id, 'forward', String(port));
  }

  /** What belay.yaml holds for this lab. */
  inventory(): { readonly hosts: Readonly<Record<string, LabInventoryHost>> } {
    const entries = this.#table().map(({ host, address, via }): [string, LabInventoryHost] => [
      host,
      {
        address,
        user: 'ops',
        identityFile: this.identityFile,
        knownHostsFile: this.knownHosts,
        become: 'sudo',
        ...(via === undefined ? {} : { via }),
      },
    ]);
    return { hosts: Object.fromEntries(entries) };
  }

  /** Runs argv, or a text by sh, as root on the host, without ssh. Rejects only when the host is not running. */
  async exec(
    host: string,
    what: readonly string[] | string,
    options: ExecOptions = {},
  ): Promise<CommandResult> {
    const argv = typeof what === 'string' ? ['sh', '-c', what] : what;
    const limit = ['timeout', '-k', '5', String(options.timeoutSeconds ?? 120)];
    return enter(this.id, host, [...limit, ...argv], options.stdin);
  }

  /** What the host's package manager sees at its next refresh: belay-demo 1.0 | and 1.1 | and 1.2, which fails. */
  async publish(host: string, state: 'old' | 'new' | 'broken'): Promise<void> {
    await command(this.id, 'publish', host, state);
  }

  /** The two builds the package states hold; equal when Debian served one only, and then nothing can be upgraded. */
  async postgresqlVersions(): Promise<{ readonly old: string; readonly new: string }> {
    const said = await command(this.id, 'postgresql-versions');
    const [, older = '', newer = ''] = /^old=(.+)\nnew=(.+)$/m.exec(said) ?? [];
    return { old: older, new: newer };
  }

  /** Every process of the host stands still: connects are accepted and nothing answers. */
  async freeze(host: string): Promise<void> {
    await command(this.id, 'freeze', host);
  }

  async thaw(host: string): Promise<void> {
    await command(this.id, 'thaw', host);
  }

  /** An orderly power-off, to its end. */
  async stop(host: string): Promise<void> {
    await command(this.id, 'stop', host);
  }

  /** Boots a host that is off; resolves when sshd (and PostgreSQL) answers. */
  async start(host: string): Promise<void> {
    await command(this.id, 'start', host);
  }

  /** Power loss: every process ends at once. Its files and volumes stay. */
  async kill(host: string): Promise<void> {
    await command(this.id, 'kill', host);
  }

  /** Whether sshd greets now: false within three seconds when the host is off, hung or cut off inside. */
  async greets(host: string): Promise<boolean> {
    return command(this.id, 'greets', host).then(
      () => true,
      () => false,
    );
  }

  /** An orderly reboot with `offSeconds` in between; resolves when the host answers again. */
  async reboot(host: string, options: { readonly offSeconds?: number } = {}): Promise<void> {
    await command(
      this.id,
      'reboot',
      host,
      ...(options.offSeconds === undefined ? [] : [String(options.offSeconds)]),
    );
  }

  async net(host: string, ...fault: NetworkFault): Promise<void> {
    await command(this.id, 'net', host, ...fault.map(String));
  }

  /** Where the kernel keeps the host's processes, as this machine sees it (the v2 tree). Not there while the host is off. */
  controlGroup(host: string): string {
    const name = `belay${this.id}-${host}`;
    const isUnified = existsSync('/sys/fs/cgroup/cgroup.controllers');
    return join(isUnified ? '/sys/fs/cgroup' : '/sys/fs/cgroup/unified', name);
  }

  /** Everything off, unmounted and removed, and the slot freed. Rejects when the kernel still knows something of it. */
  async down(): Promise<void> {
    if (this.#isDown) return;
    this.#isDown = true;
    try {
      await command(this.id, 'down');
      const left = leftovers(this.id);
      if (left.length > 0)
        throw new LabFailure('LeftOver', `lab ${this.id} is down, but left:\n${left.join('\n')}`);
    } finally {
      await this.#slot?.release();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }

  #table() {
    const rows = readFileSync(join(this.stateFolder, 'hosts.tsv'), 'utf8').split('\n').filter(Boolean);
    return rows.map((row) => {
      const [host = '', address = '', via = '-'] = row.split('\t');
      return { host, address, via: via === '-' ? undefined : via };
    });
  }

  #entry(host: string) {
    const entry = this.#table().find((candidate) => candidate.host === host);
    if (entry === undefined)
      throw new LabFailure(
        'UnknownHost',
        `lab ${this.id} has no host ${host}; it has ${this.hosts.join(', ')}`,
      );
    return entry;
  }
}
