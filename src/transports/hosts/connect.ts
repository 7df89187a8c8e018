/** Opens the hosts of an inventory by name, each over its own transport, and connects only when one is first used. */
import type { Aws } from '../aws.ts';
import type { Host, HostAddress, VerifyHost } from '../host.ts';
import { HostFailure } from '../host.ts';
import { LocalMachine } from './local.ts';
import { SshNetwork } from './ssh.ts';
import { SsmNetwork } from './ssm.ts';

export interface Hosts {
  /** The same object for the same name. Throws HostFailure for a name without an address. */
  host(name: string): Host;
  /** Ends every connection. */
  close(): Promise<void>;
}

export interface HostsOptions {
  /** Called when a host is reached over SSM. */
  readonly aws?: () => Aws;
  /** Belay's state folder. */
  readonly stateDir: string;
  /** Called with who answered on a new connection. */
  readonly verifyHost?: VerifyHost;
  /** How ssh agrees on keys, best first; empty: Belay's own order. */
  readonly keyExchange?: readonly string[];
  /** Stands in for ~/.ssh/config and /etc/ssh/ssh_config, as `ssh -F` does. */
  readonly sshConfig?: string;
}

/** Addresses are looked up when a host is asked for, so the map may grow. */
export function openHosts(addresses: ReadonlyMap<string, HostAddress>, options: HostsOptions): Hosts {
  const { aws, keyExchange = [], sshConfig, stateDir, verifyHost = () => {} } = options;
  const opened = new Map<string, Host>();
  const network = new SshNetwork({
    stateDir,
    verifyHost,
    keyExchange,
    ...(sshConfig === undefined ? {} : { config: sshConfig }),
  });

  const local = new LocalMachine();
  let overSsm: SsmNetwork | undefined;

  const open = (address: HostAddress): Host => {
    switch (address.transport) {
      case 'local':
        return local.host(address, verifyHost);
      case 'ssh':
        return network.host(address);
      case 'ssm':
        if (aws === undefined)
          throw unusable(address.name, 'it is reached over SSM, and AWS is not configured here');
        overSsm ??= new SsmNetwork(aws());
        return overSsm.host(address);
      default:
        return address.transport satisfies never;
    }
  };

  return {
    host: (name) => {
      const known = opened.get(name);
      if (known !== undefined) return known;
      const address = addresses.get(name);
      if (address === undefined) {
        throw unusable(
          name,
          `no host has this name; known are ${[...addresses.keys()].join(', ') || 'none'}`,
        );
      }
      const host = open(address);
      opened.set(name, host);
      return host;
    },
    close: async () => {
      const hosts = [...opened.values()];
      opened.clear();
      await Promise.all(hosts.map((host) => host.close()));
      await Promise.all([local.close(), network.close()]);
    },
  };
}

function unusable(name: string, why: string): HostFailure {
  return new HostFailure({
    code: 'UNREACHABLE',
    message: `${name}: ${why}.\nNothing was changed on ${name}.`,
    retryable: false,
    effect: 'none',
  });
}
