/**
 * Where a command runs when the user's own ssh configuration jumps: on the host that was asked for, and nowhere on the
 * way. Real OpenSSH servers; each notes in its log what sessions it opened.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { HostAddress } from '../../../src/transports/host.ts';
import { SshNetwork } from '../../../src/transports/hosts/ssh.ts';
import { failureOf, read } from '../../contract/host/command.ts';
import { freePort, makeSshLab, noSshd, sshProcessesOf, type Sshd, type SshLab } from './sshd.ts';

const title = `a jump of the user’s own ssh configuration${noSshd === undefined ? '' : ` (skipped: ${noSshd})`}`;

describe.skipIf(noSshd !== undefined)(title, { timeout: 60_000 }, () => {
  let lab: SshLab;
  let servers: { readonly outer: Sshd; readonly inner: Sshd; readonly target: Sshd };
  const networks: SshNetwork[] = [];
  let configs = 0;

  beforeAll(async () => {
    lab = makeSshLab();
    servers = { outer: await lab.start(), inner: await lab.start(), target: await lab.start() };
    lab.know(servers.outer, servers.inner, servers.target);
  });
  afterEach(async () => {
    for (const network of networks.splice(0)) await network.close();
    // A jump ends when the connection that it carried has.
    await expect.poll(() => sshProcessesOf(process.pid), { timeout: 5_000 }).toEqual([]);
  });
  afterAll(() => lab?.close());

  const host = (name: keyof typeof servers) => `HostName 127.0.0.1\n  Port ${servers[name].port}`;
  /** A user's configuration; what follows a `Host` block is the block's. */
  const network = (text: string): SshNetwork => {
    configs += 1;
    const config = join(lab.folder, `config${configs}`);
    writeFileSync(config, `${readFileSync(lab.config, 'utf8')}${text}\n`);
    const made = new SshNetwork({ config });
    networks.push(made);
    return made;
  };
  const db = (more: Partial<HostAddress> = {}): HostAddress => ({
    name: 'db',
    transport: 'ssh',
    become: 'none',
    tags: {},
    ...more,
  });
  const sessions = () =>
    Object.entries(servers).flatMap(([name, server]) =>
      Array.from(server.log().matchAll(/^Starting session: command/gm), () => name),
    );
  const logins = () =>
    Object.fromEntries(
      Object.entries(servers).map(([name, server]) => [
        name,
        server.log().match(/Accepted publickey/g)?.length ?? 0,
      ]),
    );
  /** Runs a command there twice and tells where sessions were opened. */
  const ranAt = async (made: SshNetwork, address: HostAddress): Promise<string[]> => {
    const before = sessions();
    const opened = made.host(address);
    expect((await read(opened, 'echo one')).stdout).toBe('one\n');
    expect((await read(opened, 'echo two')).stdout).toBe('two\n');
    const after = sessions();
    for (const name of before) after.splice(after.indexOf(name), 1);
    return [...new Set(after)];
  };
  const everyone = () => `Host *\n  IdentityFile ${lab.identityFile}\n`;

  test('a ProxyJump ends at the host behind it', async () => {
    const made = network(
      `Host bastion\n  ${host('outer')}\nHost db\n  ${host('target')}\n  ProxyJump bastion\n${everyone()}`,
    );
    expect(await ranAt(made, db())).toEqual(['target']);
  });

  test('two hops, each with a jump of its own, end at the last', async () => {
    const made = network(
      `Host bastion\n  ${host('outer')}\nHost middle\n  ${host('inner')}\n  ProxyJump bastion\nHost db\n  ${host('target')}\n  ProxyJump middle\n${everyone()}`,
    );
    const before = logins();
    expect(await ranAt(made, db())).toEqual(['target']);
    const after = logins();
    expect(Object.entries(after).map(([name, count]) => count - (before[name] ?? 0))).toEqual([1, 1, 1]);
  });

  test('a list of hops with users and ports of their own ends at the last', async () => {
    const user = process.env['USER'] ?? 'root';
    const hops = [servers.outer, servers.inner].map(({ port }) => `${user}@127.0.0.1:${port}`).join(',');
    const made = network(`Host db\n  ${host('target')}\n  ProxyJump ${hops}\n${everyone()}`);
    expect(await ranAt(made, db())).toEqual(['target']);
  });

  test('port, user, key and known hosts of the inventory are those of the wanted host alone', async () => {
    const known = join(lab.folder, 'known-target');
    writeFileSync(known, `${servers.target.known} ${servers.target.hostKey}\n`);
    // The bastion takes no other user than the one its own block names, and its key is in the user's own file alone.
    const made = network(
      `Host bastion\n  ${host('outer')}\n  IdentityFile ${lab.identityFile}\nHost db\n  HostName 127.0.0.1\n  User nobody-at-all\n  ProxyJump bastion\n`,
    );
    const { user = '' } = lab.address(servers.target);
    const address = db({
      port: servers.target.port,
      user,
      identityFile: lab.identityFile,
      knownHostsFile: known,
    });
    expect(await ranAt(made, address)).toEqual(['target']);
  });

  test('what Match and Include say applies to each hop', async () => {
    const included = join(lab.folder, 'included');
    writeFileSync(included, `Match host 127.0.0.1 exec "true"\n  IdentityFile ${lab.identityFile}\n`);
    const made = network(
      `Match originalhost db\n  ${host('target')}\n  ProxyJump bastion\nMatch originalhost bastion\n  ${host('outer')}\nMatch all\n  Include ${included}\n`,
    );
    expect(await ranAt(made, db())).toEqual(['target']);
  });

  test('a ProxyCommand with an ssh of its own ends at the host behind it', async () => {
    const own = join(lab.folder, 'own');
    writeFileSync(
      own,
      `${readFileSync(lab.config, 'utf8')}Host bastion\n  ${host('outer')}\n  IdentityFile ${lab.identityFile}\n`,
    );
    const made = network(
      `Host db\n  ${host('target')}\n  ProxyCommand ssh -F ${own} -W %h:%p bastion\n${everyone()}`,
    );
    expect(await ranAt(made, db())).toEqual(['target']);
  });

  test('a bastion of the inventory takes the place of the jump, and may itself be jumped to', async () => {
    const made = network(
      `Host bastion\n  ${host('outer')}\nHost middle\n  ${host('inner')}\n  ProxyJump bastion\nHost db\n  ${host('target')}\n  ProxyJump nowhere\n${everyone()}`,
    );
    expect(await ranAt(made, db({ via: [db({ name: 'middle' })] }))).toEqual(['target']);
  });

  test('masters of the user’s own are neither used for the host nor made by Belay', async () => {
    const own = join(lab.folder, 'masters');
    mkdirSync(own);
    const made = network(
      `Host bastion\n  ${host('outer')}\nHost db\n  ${host('target')}\n  ProxyJump bastion\n  ControlMaster auto\n  ControlPath ${own}/one\n  ControlPersist 5\n${everyone()}`,
    );
    expect(await ranAt(made, db())).toEqual(['target']);
  });

  test('a hop asks nobody and accepts no unknown key, and the reason names the way', async () => {
    const stranger = await lab.start();
    const made = network(
      `Host bastion\n  HostName 127.0.0.1\n  Port ${stranger.port}\n  StrictHostKeyChecking no\nHost db\n  ${host('target')}\n  ProxyJump bastion\n${everyone()}`,
    );
    const failure = await failureOf(read(made.host(db()), 'true'));
    expect(failure).toMatchObject({ code: 'HOST_KEY_UNKNOWN', effect: 'none' });
    expect(failure.message).toContain('on the way to it (ProxyJump');
    expect(failure.message).toContain(`ssh-keyscan -p ${stranger.port} 127.0.0.1`);
  });

  test('a connection whose control socket another ssh process has is refused at once, and nothing runs there', async () => {
    const config = join(lab.folder, 'second-net');
    writeFileSync(config, `${readFileSync(lab.config, 'utf8')}${everyone()}`);
    // An ssh that lets the bastion's master take the socket first, as a file handed on to a jump once did.
    const bin = join(lab.folder, 'bin');
    mkdirSync(bin);
    const real = execFileSync('sh', ['-c', 'command -v ssh'], { encoding: 'utf8' }).trim();
    const mux = '-o ControlMaster=yes -o ControlPersist=5 -o StrictHostKeyChecking=yes -o BatchMode=yes';
    writeFileSync(
      join(bin, 'ssh'),
      `#!/bin/sh
case " $* " in *" -N "*)
  socket= before=
  for word in "$@"; do [ "$before" = -S ] && socket=$word; before=$word; done
  [ -S "$socket" ] || ${real} -F ${config} -S "$socket" ${mux} -p ${servers.outer.port} -N -T 127.0.0.1 </dev/null >/dev/null 2>&1
esac
exec ${real} "$@"
`,
      { mode: 0o755 },
    );
    const path = process.env['PATH'];
    process.env['PATH'] = `${bin}:${path}`;
    try {
      const made = network(everyone());
      const before = sessions();
      const begunAt = Date.now();
      const address = db({ address: '127.0.0.1', port: servers.target.port });
      const failure = await failureOf(read(made.host(address), 'true'));
      expect(failure).toMatchObject({ code: 'HOST_NOT_PROVEN', retryable: false, effect: 'none' });
      expect(failure.message).toContain('its control socket belongs to another ssh process');
      expect(Date.now() - begunAt).toBeLessThan(30_000);
      expect(sessions()).toEqual(before);
    } finally {
      process.env['PATH'] = path;
    }
    // The other master has no connection left and ends by itself.
    await expect.poll(() => sshProcessesOf(process.pid), { timeout: 20_000 }).toEqual([]);
  });

  test('a bastion that cannot reach the host, refuses the key or is not there is told as such', async () => {
    const closed = await freePort();
    const jumpTo = (bastion: string, more = '') =>
      `Host bastion\n  ${bastion}\n${more}Host db\n  HostName 127.0.0.1\n  Port ${closed}\n  ProxyJump bastion\n  IdentityFile ${lab.identityFile}\n`;
    const beyond = await failureOf(
      read(network(jumpTo(host('outer'), `  IdentityFile ${lab.identityFile}\n`)).host(db()), 'true'),
    );
    expect(beyond).toMatchObject({ code: 'UNREACHABLE', retryable: true });
    expect(beyond.message).toMatch(/the last bastion is connected and cannot reach it: .*refused/i);
    const refused = await failureOf(
      read(
        network(jumpTo(host('outer'), `  IdentityFile ${lab.strangerFile}\n  IdentitiesOnly yes\n`)).host(
          db(),
        ),
        'true',
      ),
    );
    expect(refused).toMatchObject({ code: 'AUTH_REFUSED' });
    expect(refused.message).toContain('on the way to it (ProxyJump');
    const gone = await failureOf(
      read(network(jumpTo(`HostName 127.0.0.1\n  Port ${closed}`)).host(db()), 'true'),
    );
    expect(gone).toMatchObject({ code: 'UNREACHABLE' });
    expect(gone.message).toContain(`connecting to 127.0.0.1 port ${closed} failed`);
  });
});
