/** What a host says when it turns a login away reaches the person, bounded and harmless, and the advice is about that. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { HostAddress, HostFailure } from '../../../src/transports/host.ts';
import { closedAtLogin, endedAtLogin } from '../../../src/transports/hosts/login-refusal.ts';
import { sentence, visible } from '../../../src/transports/hosts/said.ts';
import { progressOf, stageText } from '../../../src/transports/hosts/ssh-log.ts';
import { SshNetwork } from '../../../src/transports/hosts/ssh.ts';
import { sudoFailure } from '../../../src/transports/hosts/sudo-failure.ts';
import { failureOf, read } from '../../contract/host/command.ts';
import { makeSshLab, noSshd, type SshLab } from './sshd.ts';

const title = `a login that is turned away${noSshd === undefined ? '' : ` (skipped: ${noSshd})`}`;

describe.skipIf(noSshd !== undefined)(title, { timeout: 60_000 }, () => {
  let lab: SshLab;
  const networks: SshNetwork[] = [];
  beforeAll(() => {
    lab = makeSshLab();
  });
  afterEach(async () => {
    for (const network of networks.splice(0)) await network.close();
  });
  afterAll(() => lab?.close());

  /** Logs in with a key that has the options of authorized_keys. */
  async function failing(options: string, lines: readonly string[] = []): Promise<HostFailure> {
    const keys = join(lab.folder, `keys${Math.random()}`);
    writeFileSync(keys, `${options} ${readFileSync(`${lab.identityFile}.pub`, 'utf8')}`);
    // The first that is named counts.
    const server = await lab.start(lines, keys);
    lab.know(server);
    const network = new SshNetwork({ config: lab.config });
    networks.push(network);
    return failureOf(read(network.host(lab.address(server)), 'true'));
  }

  test('EC2’s sentence for root is told, at once, with the user to name', async () => {
    const command = `echo 'Please login as the user \\"admin\\" rather than the user \\"root\\".';echo;sleep 1;exit 142`;
    const failure = await failing(`command="${command}"`);
    expect(failure).toMatchObject({ code: 'AUTH_REFUSED', retryable: false, effect: 'none' });
    expect(failure.message).toContain(
      'It says: Please login as the user "admin" rather than the user "root".\n',
    );
    expect(failure.message).toContain('user: admin');
  });

  test('whoever waits no longer for a connection is told how far it had come', async () => {
    const callers = new Set<Socket>();
    const silent = createServer((socket) => {
      callers.add(socket);
      socket.on('error', () => undefined);
    });
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const network = new SshNetwork({ config: lab.config });
    networks.push(network);
    const address: HostAddress = {
      name: 'db1',
      transport: 'ssh',
      address: '127.0.0.1',
      port,
      become: 'none',
      tags: {},
    };
    const reading = network
      .host(address)
      .read({ text: 'true' }, { signal: AbortSignal.timeout(2_000), timeoutMs: 60_000 });
    const failure = await failureOf(reading);
    expect(failure.code).toBe('CANCELLED');
    expect(failure.message).toContain('it had taken the connection and not greeted');
    for (const socket of callers) socket.destroy();
    silent.close();
  });

  test('what comes on both streams is told, without controls and bounded', async () => {
    const script = join(lab.folder, 'both');
    writeFileSync(
      script,
      `#!/bin/sh\nprintf 'no \\033[2Jway\\n'\necho go away >&2\nprintf 'x%.0s' $(seq 2000)\nexit 3\n`,
      { mode: 0o755 },
    );
    const failure = await failing(`command="${script}"`);
    expect(failure.message).toContain('no \\x1b[2Jway');
    expect(failure.message).toContain('go away');
    expect(failure.message.length).toBeLessThan(1200);
    expect(failure.message).toContain('(exit 3)');
  });
});

test('a login that is turned away without a word may be that of a host that is going down', () => {
  const failure = closedAtLogin({ host: 'db1', name: 'db1', banner: '' });
  expect(failure).toMatchObject({ code: 'UNREACHABLE', retryable: true });
  expect(failure.message).toContain('accepted the key and then turned the login away, without a word.');
});

test.each([
  ['Your account has expired; please contact your system administrator.', 'AUTH_REFUSED', false, 'chage -E'],
  [
    'System is booting up. Unprivileged users are not permitted to log in yet. Please come back later.',
    'UNREACHABLE',
    true,
    'takes no logins',
  ],
  [
    '"System is going down. Unprivileged users are not permitted to log in anymore."',
    'UNREACHABLE',
    true,
    'takes no logins',
  ],
  ['Access denied for you today', 'AUTH_REFUSED', false, 'access.conf'],
  ['Authorized use only. All activity is logged.', 'AUTH_REFUSED', false, 'The log of its sshd says why'],
  ["Too many logins for 'ops'.", 'UNREACHABLE', true, 'limits.conf'],
])('%j before the login was complete is %s', (banner, code, retryable, advice) => {
  const failure = closedAtLogin({ host: 'db1', name: 'db1', banner });
  expect(failure).toMatchObject({ code, retryable, effect: 'none' });
  expect(failure.message).toContain(visible(banner));
  expect(failure.message).toContain(advice);
});

test.each([
  ['This account is currently not available.', 'chsh'],
  [
    'WARNING: Your password has expired.\nPassword change required but no TTY available.',
    'has to be changed',
  ],
  ['-rbash: line 1: exec: restricted', 'runs commands'],
  ['', 'runs commands'],
])('%j after the login was complete advises accordingly', (said, advice) => {
  const failure = endedAtLogin({ host: 'db1', name: 'db1', exitCode: 1, said });
  expect(failure.code).toBe('AUTH_REFUSED');
  expect(failure.message).toContain(advice);
  // Every sentence ends before the next one begins.
  for (const line of failure.message.split('\n')) expect(line).toMatch(/[.?!…]["”)]?$/);
});

test.each([
  ['sudo: a terminal is required to read the password\nsudo: a password is required', 'NOPASSWD'],
  ['sudo: sorry, you must have a tty to run sudo', '!requiretty'],
  ['ops is not in the sudoers file.  This incident will be reported.', 'Give the account the right'],
  ["Sorry, user ops is not allowed to execute '/bin/sh' as root on db1.", 'Give the account the right'],
  [
    'sudo: Account expired or PAM config lacks an "account" section for sudo, contact your system administrator',
    'has expired or is locked',
  ],
  ['sudo: parse error in /etc/sudoers near line 3', 'visudo -c'],
  ['sudo: /usr/bin/sudo must be owned by uid 0 and have the setuid bit set', 'connect as root'],
])('sudo saying %j leads to %j', (stderr, advice) => {
  const failure = sudoFailure({ host: 'db1', name: 'db1', stderr, exitCode: 1 });
  expect(failure?.code).toBe('SUDO_REFUSED');
  expect(failure?.message).toContain(advice);
});

test('a host name that sudo cannot resolve is not a refusal', () => {
  const stderr = 'sudo: unable to resolve host db1: Name or service not known';
  expect(sudoFailure({ host: 'db1', name: 'db1', stderr, exitCode: 1 })).toBeUndefined();
});

test('text of a host is one line without what steers a terminal', () => {
  expect(visible('a\r\nb\u001b]0;x\u0007\u202e\n\n c\t')).toBe('a / b\\x1b]0;x\\x07\\u{202e} / c');
  expect(visible('\u{1f511}'.repeat(700))).toBe(`${'\u{1f511}'.repeat(600)}…`);
  expect([sentence('open failed'), sentence('it says "no."'), sentence('why?')]).toEqual([
    'open failed.',
    'it says "no."',
    'why?',
  ]);
});

test('how far a connection came is told from its own record, not from what a server says', () => {
  const lines = [
    'debug1: Connection established.',
    'debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2',
    'debug1: SSH2_MSG_NEWKEYS received',
    'debug1: Server accepts key: /k ED25519 SHA256:x explicit',
    'Authenticated to h ([10.0.0.1]:22) using "publickey".',
  ];
  const stages = ['started', 'connected', 'greeted', 'keyed', 'accepted', 'loggedIn'];
  expect([0, 1, 2, 3, 4, 5].map((count) => progressOf(lines.slice(0, count).join('\n')).stage)).toEqual(
    stages,
  );
  expect(progressOf('debug1: Remote: Authenticated to h').stage).toBe('started');
  for (let count = 0; count <= 5; count += 1) {
    expect(stageText(progressOf(lines.slice(0, count).join('\n')))).toMatch(/\S/);
  }
});
