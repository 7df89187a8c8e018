/** The ssh transport against real OpenSSH servers: the host contract, directly and behind two bastions. */
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostAddress } from '../../../src/transports/host.ts';
import { openHosts } from '../../../src/transports/hosts/connect.ts';
import { defaultShell } from '../../../src/transports/hosts/protocol/shell.ts';
import { SshNetwork } from '../../../src/transports/hosts/ssh.ts';
import { failureOf, never, newToken, read, untilEnd, untilOnHost } from '../../contract/host/command.ts';
import { echoServer } from '../../contract/host/dial.ts';
import type { OpenedHost } from '../../contract/host.ts';
import { hostContract } from '../../contract/host.ts';
import type { SshLab } from './sshd.ts';
import { makeSshLab, noSshd, sshProcessesOf } from './sshd.ts';

const capabilities = { fast: false, ...(noSshd === undefined ? {} : { skip: noSshd }) };

async function opened(lab: SshLab, address: HostAddress): Promise<OpenedHost> {
  const shell = { ...defaultShell, stateBase: lab.folder };
  const [mine, theirs] = [1, 2].map(() => new SshNetwork({ shell, config: lab.config }));
  if (mine === undefined || theirs === undefined) throw new Error('two networks were made');
  const listener = await echoServer();
  return {
    host: mine.host(address),
    other: theirs.host(address),
    listener,
    cut: () => {
      for (const pid of sshProcessesOf(process.pid)) process.kill(pid, 'SIGKILL');
      return Promise.resolve();
    },
    close: async () => {
      await mine.close();
      await theirs.close();
      await listener.close();
      await lab.close();
    },
  };
}

hostContract(
  'a host over ssh',
  async () => {
    const lab = makeSshLab();
    const server = await lab.start();
    lab.know(server);
    return opened(lab, lab.address(server));
  },
  capabilities,
);

hostContract(
  'a host over ssh behind two bastions',
  async () => {
    const lab = makeSshLab();
    const [outer, inner, target] = [await lab.start(), await lab.start(), await lab.start()];
    lab.know(outer, inner, target);
    const via = [lab.address(outer, { name: 'outer' }), lab.address(inner, { name: 'inner' })];
    return opened(lab, lab.address(target, { via }));
  },
  { ...capabilities, parts: ['start', 'dial'] },
);

describe.skipIf(noSshd !== undefined)(
  `ssh connections${noSshd === undefined ? '' : ` (skipped: ${noSshd})`}`,
  () => {
    const labs: SshLab[] = [];
    let lab: SshLab;
    beforeAll(() => {
      lab = makeSshLab();
      labs.push(lab);
    });
    afterAll(async () => {
      for (const one of labs) await one.close();
    });

    it('go through every bastion, each with its own user, port and key, and share their connections', async () => {
      const [bastion, first, second] = [await lab.start(), await lab.start(), await lab.start()];
      lab.know(bastion, first, second);
      const via = [lab.address(bastion, { name: 'bastion1' })];
      const addresses = new Map(
        [lab.address(first, { name: 'db1', via }), lab.address(second, { name: 'db2', via })].map(
          (address) => [address.name, address],
        ),
      );
      const hosts = openHosts(addresses, { stateDir: lab.folder, sshConfig: lab.config });
      expect(hosts.host('db1')).toBe(hosts.host('db1'));
      expect(hosts.host('db1').label).toBe('db1 (127.0.0.1 via bastion1)');
      const results = await Promise.all(['db1', 'db2'].map((name) => read(hosts.host(name), 'echo through')));
      expect(results.map(({ stdout }) => stdout)).toEqual(['through\n', 'through\n']);
      expect(bastion.log().match(/Accepted publickey/g)).toHaveLength(1);
      expect(first.log().match(/Accepted publickey/g)).toHaveLength(1);
      expect(sshProcessesOf(process.pid).length).toBeGreaterThanOrEqual(3);
      await hosts.close();
      expect(sshProcessesOf(process.pid)).toEqual([]);
      expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`belay-ssh-${process.pid}-`))).toEqual(
        [],
      );
    });

    it('cost one process for each host, however many commands and accounts it has', async () => {
      const server = await lab.start();
      lab.know(server);
      const network = new SshNetwork({ config: lab.config });
      const names = ['db1', 'db1-too'].map((name) => network.host(lab.address(server, { name })));
      await Promise.all(names.map((host) => read(host, 'true')));
      expect(sshProcessesOf(process.pid)).toHaveLength(1);
      await network.close();
    });

    it('take everything that the inventory does not say from the user’s own configuration', async () => {
      const server = await lab.start();
      lab.know({ known: 'db1.example', hostKey: server.hostKey });
      const { writeFileSync, readFileSync } = await import('node:fs');
      const config = join(lab.folder, 'own-config');
      writeFileSync(
        config,
        `${readFileSync(lab.config, 'utf8')}
Host db1
  HostName 127.0.0.1
  Port ${server.port}
  IdentityFile ${lab.identityFile}
  HostKeyAlias db1.example
  RemoteCommand echo hijacked
  RequestTTY force
  StrictHostKeyChecking no
  LocalForward 127.0.0.1:1 127.0.0.1:2
`,
      );
      const network = new SshNetwork({ config });
      const host = network.host({ name: 'db1', transport: 'ssh', become: 'none', tags: {} });
      expect((await read(host, 'echo own')).stdout).toBe('own\n');
      await network.close();
    });

    it('agree on keys as belay.yaml says, whatever the user’s own configuration has', async () => {
      const server = await lab.start(['KexAlgorithms ecdh-sha2-nistp256']);
      lab.know(server);
      const { readFileSync, writeFileSync } = await import('node:fs');
      const config = join(lab.folder, 'own-kex');
      writeFileSync(config, `${readFileSync(lab.config, 'utf8')}KexAlgorithms curve25519-sha256\n`);
      const addresses = new Map([['db1', lab.address(server)]]);
      const ask = async <T>(
        keyExchange: readonly string[],
        act: (hosts: ReturnType<typeof openHosts>) => Promise<T>,
      ): Promise<T> => {
        const hosts = openHosts(addresses, { stateDir: lab.folder, sshConfig: config, keyExchange });
        try {
          return await act(hosts);
        } finally {
          await hosts.close();
        }
      };
      const failed = (hosts: ReturnType<typeof openHosts>) => failureOf(read(hosts.host('db1'), 'true'));
      expect((await ask([], failed)).message).toMatch(/no matching key exchange method/);
      expect(
        await ask(['ecdh-sha2-nistp256'], (hosts) => read(hosts.host('db1'), 'echo agreed')),
      ).toMatchObject({ stdout: 'agreed\n' });
      expect(await ask(['no-such-exchange'], failed)).toMatchObject({ code: 'TOOL_MISSING' });
    });

    it('are opened again when the master is gone', async () => {
      const server = await lab.start();
      lab.know(server);
      const network = new SshNetwork({ config: lab.config });
      const host = network.host(lab.address(server));
      await read(host, 'true');
      for (const pid of sshProcessesOf(process.pid)) process.kill(pid, 'SIGKILL');
      expect((await read(host, 'echo back')).stdout).toBe('back\n');
      await network.close();
    });

    it('make do with fewer sessions than they would like', { timeout: 60_000 }, async () => {
      const server = await lab.start(['MaxSessions 2']);
      lab.know(server);
      const network = new SshNetwork({ config: lab.config });
      const host = network.host(lab.address(server));
      const readers = Array.from({ length: 12 }, (_, index) =>
        read(host, { text: 'sleep 0.2; echo "$1"', args: [`${index}`] }),
      );
      const results = await Promise.all(readers);
      expect(results.map(({ stdout }) => stdout)).toEqual(
        Array.from({ length: 12 }, (_, index) => `${index}\n`),
      );
      await network.close();
    });

    it('survive a server that drops simultaneous connections', { timeout: 60_000 }, async () => {
      const server = await lab.start(['MaxStartups 1:100:1']);
      lab.know(server);
      const networks = Array.from({ length: 3 }, () => new SshNetwork({ config: lab.config }));
      const reads = networks.map((network) => read(network.host(lab.address(server)), 'echo in'));
      expect((await Promise.all(reads)).map(({ stdout }) => stdout)).toEqual(['in\n', 'in\n', 'in\n']);
      for (const network of networks) await network.close();
    });

    it('end on the host when a cut connection leaves a reading script behind', async () => {
      const server = await lab.start();
      lab.know(server);
      const network = new SshNetwork({ config: lab.config });
      const host = network.host(lab.address(server));
      const pidFile = join(lab.folder, 'left-behind');
      const failed = failureOf(
        read(host, { text: 'echo $$ >"$1"; while :; do sleep 1; done', args: [pidFile] }),
      );
      await untilOnHost(host, 'test -s "$1"', pidFile);
      for (const pid of sshProcessesOf(process.pid)) process.kill(pid, 'SIGKILL');
      expect((await failed).code).toBe('CONNECTION_LOST');
      await untilOnHost(host, '! kill -0 $(cat "$1")', pidFile);
      await network.close();
    });

    it('keep a command running that was started just before the runner died', async () => {
      const server = await lab.start();
      lab.know(server);
      const token = newToken();
      const first = new SshNetwork({ config: lab.config });
      await first.host(lab.address(server)).start(token, { text: 'sleep 1; echo done' }, { signal: never });
      for (const pid of sshProcessesOf(process.pid)) process.kill(pid, 'SIGKILL');
      const second = new SshNetwork({ config: lab.config });
      const host = second.host(lab.address(server));
      expect((await untilEnd(host, token)).stdout).toBe('done\n');
      await host.forget(token, { signal: never });
      await second.close();
      await first.close();
      expect(existsSync(join(lab.folder, 'nothing'))).toBe(false);
    });
  },
);
