/**
 * What the endpoint needs of the world below AWS: hosts that run an agent, volumes that can be attached to them, power.
 * `lab-hands.ts` gives it the lab's hosts, `file-hands.ts` plain files and local processes.
 */
export interface HostHands {
  /** The private address that EC2 shows. */
  address(host: string): string;
  /** The volumes a host has when it is adopted, the root volume left out. */
  volumes(host: string): Promise<readonly HostVolume[]>;

  /** The name of the host's root volume, where it has one with bytes of its own; attached as `/dev/xvda`. */
  rootVolume?(host: string): Promise<string | undefined>;

  /** Puts the agent on a running host and starts it, now and at every boot; it reports to the controller's 127.0.0.1:`port`. */
  installAgent(
    host: string,
    agent: { readonly instanceId: string; readonly region: string; readonly port: number },
  ): Promise<void>;

  /** Volume names are given by the endpoint. `sizeGiB` of an empty, unformatted volume. */
  createVolume(volume: string, sizeGiB: number): Promise<void>;
  createVolumeFromSnapshot(volume: string, snapshot: string): Promise<void>;
  deleteVolume(volume: string): Promise<void>;
  /** Crash-consistent copies of one moment: what the hosts have flushed. */
  snapshot(copies: readonly { readonly volume: string; readonly snapshot: string }[]): Promise<void>;
  deleteSnapshot(snapshot: string): Promise<void>;
  /** `device` as the host sees it (`/dev/xvdf`). */
  attach(volume: string, host: string, device: string): Promise<void>;
  /** `busy`: it is mounted, and not forced; nothing has changed. */
  detach(volume: string, options: { readonly force: boolean }): Promise<'detached' | 'busy'>;

  /** Orderly power-off. Resolves when the host is off; harmless when it is. */
  stop(host: string): Promise<void>;
  /** Power loss. */
  kill(host: string): Promise<void>;
  /** Resolves when the host has booted; harmless when it runs. */
  start(host: string): Promise<void>;
  /** Resolves when the host has booted again. */
  reboot(host: string): Promise<void>;
  /** Whether the host answers as a healthy one does (ssh greets). */
  isHealthy(host: string): Promise<boolean>;
}

export interface HostVolume {
  /** The name by which the hands know it. */
  readonly volume: string;
  /** As the host sees it: `/dev/xvdf`. */
  readonly device: string;
  readonly sizeGiB: number;
  /** Where the host mounts it, when it does. */
  readonly mount?: string;
}
