/** A private OpenSSH server on loopback, with keys of its own, for the tests of the ssh transport. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { HostAddress } from '../../../src/transports/host.ts';

const sshd = ['/usr/sbin/sshd', '/usr/lib/ssh/sshd'].find((path) => existsSync(path));

/** Why no server can be started here. */
export const noSshd =
  sshd === undefined
    ? 'sshd is not installed'
    : process.getuid?.() !== 0 && userInfo().shell?.endsWith('nologin') === true
      ? 'the account has no login shell'
      : undefined;

export interface Sshd {
  readonly port: number;
  /** What the server runs for the sessions that are open: programs, and none of its own processes. */
  sessions(): number[];
  /** `[127.0.0.1]:2222`, as known_hosts names it. */
  readonly known: string;
  /** The public host key, `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
  readonly fingerprint: string;
  log(): string;
  stop(): Promise<void>;
}

/** Keys and client configuration that several servers share. */
export interface SshLab {
  readonly folder: string;
  readonly identityFile: string;
  /** A key that no server accepts. */
  readonly strangerFile: string;
  /** Stands in for ~/.ssh/config; names the known_hosts file. */
  readonly config: string;
  readonly knownHosts: string;
  /** `keys`: the file of authorized keys, where it is not the usual one. */
  start(lines?: readonly string[], keys?: string): Promise<Sshd>;
  /** Writes known_hosts anew. */
  know(...servers: readonly Pick<Sshd, 'known' | 'hostKey'>[]): void;
  address(server: Sshd, more?: Partial<HostAddress>): HostAddress;
  close(): Promise<void>;
}

export function makeSshLab(): SshLab {
  const folder = mkdtempSync(join(tmpdir(), 'belay-sshd-'));
  const [identityFile, strangerFile] = ['id', 'stranger'].map((name) => makeKey(join(folder, name)));
  if (identityFile === undefined || strangerFile === undefined) throw new Error('two keys were made');
  const knownHosts = join(folder, 'known_hosts');
  const config = join(folder, 'config');
  writeFileSync(knownHosts, '');
  writeFileSync(
    config,
    `UserKnownHostsFile ${knownHosts}\nGlobalKnownHostsFile /dev/null\nIdentityAgent none\n`,
  );
  const servers: Sshd[] = [];
  const lab: SshLab = {
    folder,
    identityFile,
    strangerFile,
    config,
    knownHosts,
    start: async (lines = [], keys = `${identityFile}.pub`) => {
      const server = await startSshd(join(folder, `sshd${servers.length}`), keys, lines);
      servers.push(server);
      return server;
    },
    know: (...known) => {
      writeFileSync(knownHosts, known.map((server) => `${server.known} ${server.hostKey}\n`).join(''));
    },
    address: ({ port }, more = {}) => ({
      name: 'db1',
      transport: 'ssh',
      address: '127.0.0.1',
      port,
      user: userInfo().username,
      identityFile,
      become: 'none',
      tags: {},
      ...more,
    }),
    close: async () => {
      for (const server of servers) await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return lab;
}

function makeKey(file: string): string {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'belay test', '-f', file]);
  return file;
}

async function startSshd(folder: string, authorizedKeys: string, lines: readonly string[]): Promise<Sshd> {
  if (sshd === undefined) throw new Error('sshd is not installed');
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  mkdirSync(folder);
  const hostKeyFile = makeKey(join(folder, 'host'));
  const port = await freePort();
  const logFile = join(folder, 'log');
  const configuration = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${hostKeyFile}`,
    `AuthorizedKeysFile ${authorizedKeys}`,
    `PidFile ${join(folder, 'pid')}`,
    'UsePAM no',
    'StrictModes no',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'LogLevel VERBOSE',
    ...lines,
  ];
  writeFileSync(join(folder, 'sshd_config'), `${configuration.join('\n')}\n`);
  const server = spawn(sshd, ['-D', '-f', join(folder, 'sshd_config'), '-E', logFile], { stdio: 'ignore' });
  const gone = new Promise<void>((resolve) => {
    server.once('exit', () => {
      resolve();
    });
  });
  await answers(port, () => (server.exitCode === null ? undefined : readFileSync(logFile, 'utf8')));
  const [type = '', key = ''] = readFileSync(`${hostKeyFile}.pub`, 'utf8').split(' ');
  const listed = execFileSync('ssh-keygen', ['-lf', `${hostKeyFile}.pub`], { encoding: 'utf8' });
  return {
    port,
    sessions: () => programsBelow(server.pid),
    known: `[127.0.0.1]:${port}`,
    hostKey: `${type} ${key}`,
    fingerprint: /SHA256:\S+/.exec(listed)?.[0] ?? '',
    log: () => readFileSync(logFile, 'utf8'),
    stop: async () => {
      server.kill('SIGTERM');
      await gone;
    },
  };
}

/** The processes below one that are no sshd; what a program started itself is left out. */
function programsBelow(parent: number | undefined): number[] {
  const listed = execFileSync('ps', ['-eo', 'pid=,ppid=,comm='], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const all = listed.split('\n').flatMap((line) => {
    const found = /^\s*(?<pid>\d+)\s+(?<parent>\d+) (?<name>.*)$/.exec(line)?.groups;
    return found === undefined
      ? []
      : [{ pid: Number(found['pid']), parent: Number(found['parent']), name: found['name'] }];
  });
  const below = (of: number | undefined): number[] =>
    all
      .filter((one) => one.parent === of)
      .flatMap(({ pid, name }) => (name?.startsWith('sshd') === true ? below(pid) : [pid]));
  return below(parent);
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

async function answers(port: number, ended: () => string | undefined): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const log = ended();
    if (log !== undefined) throw new Error(`sshd ended: ${log}`);
    const greeted = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      const tell = (greets: boolean): void => {
        socket.destroy();
        resolve(greets);
      };
      socket.once('data', () => {
        tell(true);
      });
      socket.once('error', () => {
        tell(false);
      });
    });
    if (greeted) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 25);
    });
  }
  throw new Error('sshd does not answer');
}

/** Ends every ssh client and master of this process, as a network that breaks would: by process id, found by our folder. */
export function sshProcessesOf(pid: number): number[] {
  const mark = `belay-ssh-${pid}-`;
  const listed = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return listed
    .split('\n')
    .map((line) => /^\s*(?<pid>\d+) (?<args>ssh\b.*)$/.exec(line)?.groups)
    .filter((found) => found?.['args']?.includes(mark))
    .map((found) => Number(found?.['pid']));
}
