/** Logins on whole systemd hosts: real PAM, real sudoers, a user of a domain, and a private host behind a jump of the user's own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Host, HostAddress, HostIdentity } from '../../../src/transports/host.ts';
import { SshNetwork } from '../../../src/transports/hosts/ssh.ts';
import { failureOf, read } from '../../contract/host/command.ts';
import { Lab } from '../../lab/hosts/lab.ts';

const reason = Lab.unavailable();

describe.skipIf(reason !== undefined)(
  `logins in the lab${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 60_000 },
  () => {
    let lab: Lab;
    const networks: SshNetwork[] = [];
    const met: [string, HostIdentity][] = [];

    beforeAll(async () => {
      lab = await Lab.up({ hosts: ['b1', 'h1', 'p1'] });
    }, 360_000);
    afterEach(async () => {
      met.length = 0;
      for (const network of networks.splice(0)) await network.close();
    });
    afterAll(() => lab?.down(), 60_000);

    function open(address: Partial<HostAddress> & { readonly name: string }, config?: string): Host {
      const network = new SshNetwork({
        ...(config === undefined ? {} : { config }),
        verifyHost: ({ name }, identity) => void met.push([name, identity]),
      });
      networks.push(network);
      return network.host({ transport: 'ssh', become: 'none', tags: {}, ...address });
    }
    function h1(more: Partial<HostAddress> = {}): Host {
      const { via: _, ...said } = lab.inventory().hosts['h1'] ?? {};
      return open({ ...said, name: 'h1', user: 'ops', ...more });
    }
    const machineId = async (name: string) => (await lab.exec(name, 'cat /etc/machine-id')).stdout.trim();

    it('end at the private host behind a ProxyJump of the user’s own, by the host’s own word', async () => {
      const { identityFile } = lab.inventory().hosts['p1'] ?? {};
      const config = join(lab.stateFolder, 'own_config');
      writeFileSync(
        config,
        `Host bastion
  HostName ${lab.address('b1')}
  User ops
Host private
  HostName ${lab.address('p1')}
  User ops
  ProxyJump bastion
Host *
  IdentityFile ${identityFile}
  UserKnownHostsFile ${lab.knownHosts}
`,
      );
      const { stdout } = await read(open({ name: 'private' }, config), 'cat /etc/machine-id; hostname');
      expect(stdout.split('\n')).toEqual([await machineId('p1'), 'p1', '']);
      expect(met).toEqual([['private', expect.objectContaining({ machineId: await machineId('p1') })]]);
      expect(met[0]?.[1].machineId).not.toBe(await machineId('b1'));
    });

    it('tell which instance answers, by what cloud-init found and not by the machine below a container', async () => {
      await read(h1(), 'true');
      expect(met[0]?.[1].instanceId).toBeNull();
      await lab.exec(
        'h1',
        'mkdir -p /run/cloud-init; echo i-0123456789abcdef0 >/run/cloud-init/.instance-id',
      );
      await read(h1(), 'true');
      expect(met[1]?.[1].instanceId).toBe('i-0123456789abcdef0');
    });

    it('of a user of a domain are ordinary logins', async () => {
      await lab.exec(
        'h1',
        String.raw`printf '%s\n' 'CORP\jdoe:x:4711:4711::/home/jdoe:/bin/bash' >>/etc/passwd
printf '%s\n' 'CORP\jdoe:*:19000:0:99999:7:::' >>/etc/shadow
install -d -o 4711 -g 4711 /home/jdoe /home/jdoe/.ssh
install -o 4711 -g 4711 -m 600 ~ops/.ssh/authorized_keys /home/jdoe/.ssh/authorized_keys`,
      );
      const host = h1({ user: 'CORP\\jdoe', become: 'none' });
      expect((await read(host, 'id -un; echo "$HOME"')).stdout).toBe('CORP\\jdoe\n/home/jdoe\n');
    });

    it('of an account that has expired are refused for good, in the words of PAM', async () => {
      await lab.exec('h1', 'usermod -e 1 limited');
      const failure = await failureOf(read(h1({ user: 'limited' }), 'true'));
      expect(failure).toMatchObject({ code: 'AUTH_REFUSED', retryable: false, effect: 'none' });
      expect(failure.message).toContain('Your account has expired; please contact your system administrator');
      expect(failure.message).toContain('chage -E -1');
    });

    it('of a host that is shutting down are told as something that passes', async () => {
      await lab.exec('h1', 'echo "System is going down for maintenance." >/run/nologin');
      const failure = await failureOf(read(h1(), 'true'));
      await lab.exec('h1', 'rm /run/nologin');
      expect(failure).toMatchObject({ code: 'UNREACHABLE', retryable: true, effect: 'none' });
      expect(failure.message).toContain('System is going down for maintenance.');
    });

    it('without a terminal are told from those without the right to sudo', async () => {
      await lab.exec(
        'h1',
        'echo "Defaults:ops requiretty" >/etc/sudoers.d/zz-tty; chmod 440 /etc/sudoers.d/zz-tty',
      );
      const failure = await failureOf(read(h1({ become: 'sudo' }), 'true'));
      await lab.exec('h1', 'rm /etc/sudoers.d/zz-tty');
      expect(failure.code).toBe('SUDO_REFUSED');
      expect(failure.message).toContain('!requiretty');
      expect(failure.message).not.toContain('NOPASSWD');
    });

    it('of an account with nologin are refused in its words', async () => {
      await lab.exec('h1', 'usermod -s /usr/sbin/nologin -e "" limited');
      const failure = await failureOf(read(h1({ user: 'limited' }), 'true'));
      expect(failure).toMatchObject({ code: 'AUTH_REFUSED', effect: 'none' });
      expect(failure.message).toContain('This account is currently not available.');
      expect(failure.message).toContain('chsh -s /bin/sh');
    });
  },
);
