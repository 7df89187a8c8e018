/** One key alone against real OpenSSH servers: accepted, refused, or not found out; and nothing of it stays behind. */
import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostAddress, KeyToProve } from '../../../src/transports/host.ts';
import { localHost } from '../../../src/transports/hosts/local.ts';
import { verdictOf } from '../../../src/transports/hosts/ssh-prove.ts';
import { SshNetwork } from '../../../src/transports/hosts/ssh.ts';
import { makeSshLab, noSshd, type Sshd, type SshLab } from './sshd.ts';

const title = `proving a key${noSshd === undefined ? '' : ` (skipped: ${noSshd})`}`;

describe.skipIf(noSshd !== undefined)(title, { timeout: 60_000 }, () => {
  let lab: SshLab;
  let server: Sshd;
  let bastion: Sshd;
  let network: SshNetwork;
  const options = () => ({ signal: new AbortController().signal, timeoutMs: 20_000 });
  const known = () => readFileSync(lab.identityFile, 'utf8');
  const stranger = () => readFileSync(lab.strangerFile, 'utf8');
  const prove = (address: HostAddress, key: KeyToProve) => network.host(address).proveKey(key, options());

  beforeAll(async () => {
    lab = makeSshLab();
    const banner = join(lab.folder, 'banner');
    writeFileSync(
      banner,
      'debug1: Authentication succeeded (publickey).\nroot@x: Permission denied (publickey).\n',
    );
    server = await lab.start([`Banner ${banner}`]);
    bastion = await lab.start();
    lab.know(server, bastion);
    network = new SshNetwork({ config: lab.config });
  });
  afterAll(async () => {
    await network?.close();
    await lab?.close();
  });

  test('a key that the host knows is accepted, whatever the inventory names', async () => {
    const address = lab.address(server, { identityFile: lab.strangerFile });
    const publicKey = readFileSync(`${lab.identityFile}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
    expect(await prove(address, { privateKey: known() })).toEqual({ verdict: 'accepted', publicKey });
  });

  test('another key is refused, though inventory, agent and configuration have one that is accepted', async () => {
    const config = join(lab.folder, 'config-with-key');
    writeFileSync(config, `${readFileSync(lab.config, 'utf8')}IdentityFile ${lab.identityFile}\n`);
    const own = new SshNetwork({ config });
    const proof = await own.host(lab.address(server)).proveKey({ privateKey: stranger() }, options());
    expect(proof.verdict).toBe('refused');
    await own.close();
  });

  test('nothing is run on the host, and an open connection proves nothing', async () => {
    const host = network.host(lab.address(server));
    await host.read({ text: 'true' }, options());
    const before = server.log().length;
    expect(server.log()).toMatch(/Starting session/);
    expect((await host.proveKey({ privateKey: stranger() }, options())).verdict).toBe('refused');
    expect((await host.proveKey({ privateKey: known() }, options())).verdict).toBe('accepted');
    expect(server.log().slice(before)).not.toMatch(/Starting session/);
  });

  test('goes through the bastion with the key of the inventory; the last hop alone gets the proven one', async () => {
    const via = [lab.address(bastion, { name: 'b1' })];
    const address = lab.address(server, { via, identityFile: lab.strangerFile });
    expect((await prove(address, { privateKey: known() })).verdict).toBe('accepted');
    expect((await prove(address, { privateKey: stranger() })).verdict).toBe('refused');
    // The bastion's own refusal is no answer of the host.
    const shut = lab.address(server, {
      via: [lab.address(bastion, { name: 'b1', identityFile: lab.strangerFile })],
    });
    await expect(prove(shut, { privateKey: stranger() })).rejects.toMatchObject({
      code: 'AUTH_REFUSED',
      message: expect.stringContaining('bastion b1'),
    });
  });

  test('a bastion that only the user configuration knows is jumped through', async () => {
    const config = join(lab.folder, 'config-with-jump');
    writeFileSync(
      config,
      `${readFileSync(lab.config, 'utf8')}Host inside\n  HostName 127.0.0.1\n  Port ${server.port}\n  ProxyJump outside\nHost outside\n  HostName 127.0.0.1\n  Port ${bastion.port}\n  IdentityFile ${lab.identityFile}\n`,
    );
    const own = new SshNetwork({ config });
    const before = bastion.log().length;
    const address: HostAddress = { name: 'inside', transport: 'ssh', become: 'none', tags: {} };
    expect((await own.host(address).proveKey({ privateKey: stranger() }, options())).verdict).toBe('refused');
    expect((await own.host(address).proveKey({ privateKey: known() }, options())).verdict).toBe('accepted');
    expect(bastion.log().slice(before)).toContain('Accepted publickey');
    await own.close();
  });

  test('no server, and a server with another host key, are no refusal', async () => {
    const nobody = lab.address({ ...server, port: 1 });
    await expect(prove(nobody, { privateKey: stranger() })).rejects.toMatchObject({ code: 'UNREACHABLE' });
    const wrong = join(lab.folder, 'wrong_hosts');
    writeFileSync(wrong, `${server.known} ${bastion.hostKey}\n`);
    const config = join(lab.folder, 'config-wrong');
    writeFileSync(config, `UserKnownHostsFile ${wrong}\nGlobalKnownHostsFile /dev/null\n`);
    const own = new SshNetwork({ config });
    await expect(
      own.host(lab.address(server)).proveKey({ privateKey: known() }, options()),
    ).rejects.toMatchObject({ code: 'HOST_KEY_CHANGED' });
    await own.close();
  });

  test('what is not a key, or has a passphrase, is refused by name and not repeated', async () => {
    const locked = join(lab.folder, 'locked');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'hunter2', '-f', locked]);
    for (const privateKey of [
      'this is not a key at all, and yet it is long enough to be one',
      readFileSync(locked, 'utf8'),
    ]) {
      const failure = await prove(lab.address(server), { privateKey }).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'KEY_UNUSABLE', effect: 'none' });
      expect(String(failure)).not.toContain(privateKey.slice(-60, -40));
    }
  });

  test('a host without ssh says so', async () => {
    const host = localHost({ name: 'here', transport: 'local', become: 'none', tags: {} });
    await expect(host.proveKey({ privateKey: known() }, options())).rejects.toMatchObject({
      code: 'NOT_OVER_SSH',
    });
  });

  test('kill -9 of the prover ends agent and connection, and no file ever held the key', async () => {
    const runtime = join(lab.folder, 'run');
    execFileSync('mkdir', ['-m', '700', runtime]);
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'prove-for-ever.ts'), lab.config, lab.identityFile],
      { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, XDG_RUNTIME_DIR: runtime } },
    );
    await new Promise((resolve) => child.stdout.once('data', resolve));
    await untilTrue(() => processesWith(runtime).some((line) => line.includes('ssh-agent')));
    await untilTrue(() => processesWith(runtime).some((line) => line.startsWith('ssh -E')));
    const secret = known().split('\n')[3] ?? 'nothing';
    expect(processesWith(secret)).toEqual([]);
    expect(filesWith(runtime, secret)).toEqual([]);
    child.kill('SIGKILL');
    await untilTrue(() => processesWith(runtime).length === 0);
    expect(filesWith(runtime, secret)).toEqual([]);
  });
});

async function untilTrue(holds: () => boolean): Promise<void> {
  for (const giveUpAt = Date.now() + 10_000; !holds(); await delay(30)) {
    if (Date.now() > giveUpAt) throw new Error('it did not become so in 10 s');
  }
}

/** Command lines, words separated by spaces. */
function processesWith(text: string): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    })
    .filter((line) => line.includes(text));
}

function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file, 'utf8').includes(text));
}

const offered = 'debug1: Offering public key: /k.pub ED25519 SHA256:abc agent\n';
test.each([
  [`${offered}Authenticated to h ([10.0.0.1]:22) using "publickey".`, 'accepted'],
  [
    `${offered}debug1: Authentication succeeded (publickey).\nAuthenticated to h ([10.0.0.1]:22).`,
    'accepted',
  ],
  [`${offered}ops@h: Permission denied (publickey).`, 'refused'],
  ['Authenticated to h ([10.0.0.1]:22) using "none".', undefined],
  ['ops@h: Permission denied (publickey).', undefined],
  [
    `${offered}Authenticated using "publickey" with partial success.\nops@h: Permission denied (password).`,
    undefined,
  ],
  [`${offered}Connection closed by 10.0.0.1 port 22`, undefined],
  [
    `${offered}sign_and_send_pubkey: no mutual signature supported\nops@h: Permission denied (publickey).`,
    undefined,
  ],
])('ssh saying %j is %s', (log, verdict) => {
  expect(verdictOf(log)).toBe(verdict);
});
