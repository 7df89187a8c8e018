/** How the ssh transport says why it could not: each refusal is provoked from a real OpenSSH. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { HostAddress, HostFailure } from '../../../src/transports/host.ts';
import { connectFailure, lostFailure } from '../../../src/transports/hosts/ssh-failure.ts';
import { progressOf } from '../../../src/transports/hosts/ssh-log.ts';
import { SshNetwork } from '../../../src/transports/hosts/ssh.ts';
import { failureOf, never, read } from '../../contract/host/command.ts';
import type { SshLab } from './sshd.ts';
import { freePort, makeSshLab, noSshd } from './sshd.ts';

describe.skipIf(noSshd !== undefined)(
  `refusals over ssh${noSshd === undefined ? '' : ` (skipped: ${noSshd})`}`,
  () => {
    const lab: SshLab | undefined = noSshd === undefined ? makeSshLab() : undefined;
    const networks: SshNetwork[] = [];
    afterEach(async () => {
      for (const network of networks.splice(0)) await network.close();
    });
    afterAll(async () => {
      await lab?.close();
    });
    const here = (): SshLab => {
      if (lab === undefined) throw new Error('there is no sshd');
      return lab;
    };
    const failing = async (address: HostAddress): Promise<HostFailure> => {
      const network = new SshNetwork({ config: here().config });
      networks.push(network);
      return failureOf(read(network.host(address), 'true'));
    };

    it('an unknown host key is not accepted', async () => {
      const server = await here().start();
      here().know();
      const failure = await failing(here().address(server));
      expect(failure).toMatchObject({ code: 'HOST_KEY_UNKNOWN', retryable: false, effect: 'none' });
      expect(failure.message).toContain('db1 (127.0.0.1): its host key is not known');
      expect(failure.message).toContain(`ssh-keyscan -p ${server.port} 127.0.0.1`);
      expect(failure.message).toContain('Nothing was changed on db1.');
    });

    it('a user of a domain is shown as the name is typed', async () => {
      const server = await here().start();
      here().know(server);
      for (const user of ['CORP\\jdoe', 'CORP\\jérôme']) {
        const failure = await failing({ ...here().address(server), user });
        expect(failure).toMatchObject({ code: 'AUTH_REFUSED' });
        expect(failure.message).toContain(`${user}@127.0.0.1: permission denied`);
      }
    });

    it('a changed host key is shown with both fingerprints and the way to accept it', async () => {
      const [server, before] = [await here().start(), await here().start()];
      here().know({ known: server.known, hostKey: before.hostKey });
      const failure = await failing(here().address(server));
      expect(failure).toMatchObject({ code: 'HOST_KEY_CHANGED', retryable: false, effect: 'none' });
      expect(failure.message.split('\n').slice(0, 2)).toEqual([
        `db1 (127.0.0.1): the host key changed. Expected ${before.fingerprint}, got ${server.fingerprint}.`,
        expect.stringMatching(
          /^Somebody reinstalled the host or sits in between\. If it was reinstalled: {2}ssh-keygen -R /,
        ),
      ]);
      expect(failure.message).toContain(`'${server.known}'`);
      expect(failure.message).toContain('Nothing was changed on db1.');
    });

    it('a refused key names the account, and the key that could not be read', async () => {
      const server = await here().start();
      here().know(server);
      const stranger = await failing(here().address(server, { identityFile: here().strangerFile }));
      expect(stranger).toMatchObject({ code: 'AUTH_REFUSED', retryable: false, effect: 'none' });
      expect(stranger.message).toMatch(/@127\.0\.0\.1: permission denied; the host accepts publickey/);
      const missing = await failing(here().address(server, { identityFile: '/no/such/key' }));
      expect(missing.code).toBe('AUTH_REFUSED');
      expect(missing.message).toContain('/no/such/key');
    });

    it('a connection from the host that its sshd forbids says which line allows it', async () => {
      const server = await here().start(['AllowTcpForwarding no']);
      here().know(server);
      const network = new SshNetwork({ config: here().config });
      networks.push(network);
      const host = network.host(here().address(server));
      const dialling = host.dial({ address: '127.0.0.1', port: 9000 }, { signal: never, timeoutMs: 10_000 });
      const failure = await failureOf(dialling);
      expect(failure).toMatchObject({ code: 'DIAL_FORBIDDEN', retryable: false, effect: 'none' });
      expect(failure.message).toContain('AllowTcpForwarding local, and PermitOpen 127.0.0.1:9000');
    });

    it('a closed port is unreachable', async () => {
      const port = await freePort();
      const failure = await failing({ ...here().address(await here().start()), port });
      expect(failure).toMatchObject({ code: 'UNREACHABLE', retryable: true, effect: 'none' });
      expect(failure.message).toContain(`connecting to 127.0.0.1 port ${port} failed: Connection refused`);
    });

    it('a name that does not resolve is unreachable', async () => {
      const failure = await failing({
        ...here().address(await here().start()),
        address: 'no-such-host.invalid',
      });
      expect(failure).toMatchObject({ code: 'UNREACHABLE', effect: 'none' });
      expect(failure.message).toContain('no-such-host.invalid cannot be resolved');
    });

    it(
      'a host that accepts and never answers is told from one that refuses',
      { timeout: 30_000 },
      async () => {
        const silent = await listenSilently();
        const begunAt = Date.now();
        const failure = await failing({ ...here().address(await here().start()), port: silent.port });
        expect(failure).toMatchObject({ code: 'NO_REPLY', retryable: true, effect: 'none' });
        expect(failure.message).toContain('accepts connections and never answers');
        expect(Date.now() - begunAt).toBeLessThan(15_000);
        await silent.close();
      },
    );

    it('the bastion that failed is named', async () => {
      const [bastion, target] = [await here().start(), await here().start()];
      here().know(target);
      const via = [here().address(bastion, { name: 'bastion1' })];
      const unknown = await failing(here().address(target, { via }));
      expect(unknown.code).toBe('HOST_KEY_UNKNOWN');
      expect(unknown.message).toContain(
        'db1 (127.0.0.1 via bastion1): bastion bastion1: its host key is not known',
      );

      here().know(bastion, target);
      const refused = await failing(here().address(target, { via, identityFile: here().strangerFile }));
      expect(refused.code).toBe('AUTH_REFUSED');
      expect(refused.message).not.toContain('bastion bastion1:');

      const closed = await failing({ ...here().address(target, { via }), port: await freePort() });
      expect(closed).toMatchObject({ code: 'UNREACHABLE', effect: 'none' });
      expect(closed.message).toMatch(/bastion1 is connected and cannot reach it: .*refused/i);
    });

    it('an account without a usable shell is told from a missing one', async () => {
      const server = await here().start([
        'ForceCommand echo "This account is currently not available."; exit 1',
      ]);
      here().know(server);
      const failure = await failing(here().address(server));
      expect(failure).toMatchObject({ code: 'AUTH_REFUSED', effect: 'none' });
      expect(failure.message).toContain('ended (exit 1) before it ran anything');
      expect(failure.message).toContain('It says: This account is currently not available.');
      expect(failure.message).toContain('chsh -s /bin/sh');
    });

    it('sudo that asks for a password is refused, and sudo that does not is used', async () => {
      const bin = join(here().folder, 'bin');
      mkdirSync(bin);
      // Makes the account look like an ordinary one until sudo has been through.
      tool(bin, 'id', '[ "$1" = -u ] && [ -z "$SUDO_USER" ] && { echo 1000; exit; }; exec /usr/bin/id "$@"');
      const server = await here().start([`SetEnv PATH=${bin}:/usr/bin:/bin`]);
      here().know(server);
      const address = here().address(server, { become: 'sudo' });

      tool(bin, 'sudo', 'echo "sudo: a password is required" >&2; exit 1');
      const asked = await failing(address);
      expect(asked).toMatchObject({ code: 'SUDO_REFUSED', retryable: false, effect: 'none' });
      expect(asked.message).toContain('sudo refused: a password is required');
      expect(asked.message).toContain('NOPASSWD');

      tool(bin, 'sudo', 'echo "sudo: sorry, you must have a tty to run sudo" >&2; exit 1');
      const ttyless = await failing(address);
      expect(ttyless.message).toContain('sudo refused: sorry, you must have a tty to run sudo.');
      expect(ttyless.message).toContain('!requiretty');
      expect(ttyless.message).not.toContain('NOPASSWD');

      tool(
        bin,
        'sudo',
        'printf "%s " "$@" | cut -c 1-20 >&2; while [ "$1" != -- ]; do shift; done; shift; SUDO_USER=ops exec "$@"',
      );
      const network = new SshNetwork({ config: here().config });
      networks.push(network);
      const result = await read(network.host(address), 'echo became; echo "$SUDO_USER"');
      expect(result).toEqual({ exitCode: 0, stdout: 'became\n\n', stderr: '' });
      const without = await read(network.host(address), { text: 'echo plain', withoutBecome: true });
      expect(without.stdout).toBe('plain\n');
    });
  },
);

describe('messages of OpenSSH', () => {
  const attempt = { host: 'db1 (10.77.1.20)', name: 'db1', destination: '10.77.1.20' };

  it.each([
    ['ssh: connect to host 10.77.1.20 port 22: No route to host', 'UNREACHABLE', true],
    ['ssh: connect to host 10.77.1.20 port 22: Connection timed out', 'UNREACHABLE', true],
    [
      'Connection timed out during banner exchange\nConnection to 10.77.1.20 port 22 timed out',
      'NO_REPLY',
      true,
    ],
    [
      'Unable to negotiate with 10.77.1.20 port 22: no matching host key type found. Their offer: ssh-rsa',
      'UNREACHABLE',
      false,
    ],
    ['@ WARNING: REVOKED HOST KEY DETECTED! @', 'HOST_KEY_CHANGED', false],
    [
      'Received disconnect from 10.77.1.20 port 22:2: Too many authentication failures',
      'AUTH_REFUSED',
      false,
    ],
    ['Bad owner or permissions on /home/ops/.ssh/config', 'UNREACHABLE', false],
    ['', 'UNREACHABLE', true],
  ])('%j means %s', (log, code, retryable) => {
    const failure = connectFailure({ ...attempt, log, progress: progressOf(log) });
    expect(failure).toMatchObject({ code, retryable, effect: 'none' });
    expect(failure.message).toMatch(/^db1 \(10\.77\.1\.20\): \S/);
  });

  it('a keepalive without an answer means a host that is silent, not a broken network', () => {
    const silent = lostFailure({ ...attempt, log: 'Timeout, server 10.77.1.20 not responding.' });
    expect(silent).toMatchObject({ code: 'NO_REPLY', retryable: true, effect: 'unknown' });
    expect(silent.message).toContain('45 s');
    const broken = lostFailure({ ...attempt, log: 'client_loop: send disconnect: Broken pipe' });
    expect(broken).toMatchObject({ code: 'CONNECTION_LOST', retryable: true, effect: 'unknown' });
    expect(broken.message).toContain('Broken pipe');
  });
});

async function listenSilently(): Promise<{ port: number; close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return {
    port: address.port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

function tool(folder: string, name: string, text: string): void {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
}
