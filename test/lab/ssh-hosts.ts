/** The public hosts of a lab over the real ssh transport: for actions that reboot a host or dial from it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Host, HostAddress } from '../../src/transports/host.ts';
import { openHosts } from '../../src/transports/hosts/connect.ts';
import type { Lab } from './hosts/lab.ts';

export interface SshHosts {
  host(name: string): Host;
  close(): Promise<void>;
}

export async function openSshHosts(lab: Lab): Promise<SshHosts> {
  const stateDir = await mkdtemp(join(tmpdir(), 'belay-ssh-hosts-'));
  const addresses = lab.hosts.map((name): [string, HostAddress] => [
    name,
    {
      name,
      transport: 'ssh',
      address: lab.address(name),
      user: 'ops',
      identityFile: lab.identityFile,
      knownHostsFile: lab.knownHosts,
      become: 'sudo',
      tags: {},
    },
  ]);
  const hosts = openHosts(new Map(addresses), { stateDir, sshConfig: lab.sshConfig });
  return {
    host: (name) => hosts.host(name),
    close: async () => {
      await hosts.close();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
