/**
 * What ssh processes are told. OpenSSH hands the file of `-F` on to the ssh processes of a ProxyJump, and nothing else of
 * a command line. So there are two places, and no third: the shared file holds what is true of every hop alike (how an
 * unattended runner behaves, then the user's own configuration), and what is meant for one connection stands on the
 * command line of its own process. Source: OpenSSH 9.2, ssh.c (main, "Setting implicit ProxyCommand from ProxyJump").
 */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { HostAddress } from '../host.ts';
import { hostFailure } from './failure.ts';
import { shellQuote } from './protocol/quote.ts';
import type { SshPaths } from './ssh-paths.ts';

/** Idle masters end by themselves, so that a killed runner leaves nothing behind for long. */
const persistSeconds = 60;
export const connectTimeoutSeconds = 10;
const aliveIntervalSeconds = 15;
const aliveCountMax = 3;
/** How long a live master takes to notice that its host has stopped answering. */
export const silentSecondsMax = aliveIntervalSeconds * aliveCountMax;

/** What ssh is told to connect to: the user's own `Host` blocks are matched against it. */
export function destinationOf(address: HostAddress): string {
  return plain(address.address ?? address.name, 'address', address.name);
}

/** A word that ssh takes for nothing else; the inventory accepts no other. Throws HostFailure. */
function plain(value: string, what: string, host: string): string {
  if (value !== '' && !/^-|[\p{Cc}\s"'`;&<>|(){},]/u.test(value)) return value;
  throw hostFailure({
    host,
    name: host,
    code: 'UNREACHABLE',
    what: `its ${what} cannot be given to ssh: ${JSON.stringify(value)}`,
    next: 'Correct it in belay.yaml.',
  });
}

export interface Jump {
  /** The configuration with which a session over the bastion's master is opened. */
  readonly sessionConfig: string;
  readonly socket: string;
  readonly destination: string;
}

export interface KeyExchanges {
  /** Of belay.yaml, best first; empty: the fast ones first. */
  readonly wanted: readonly string[];
  /** What the ssh of this machine knows; empty: it could not be asked. */
  readonly offered: readonly string[];
}

/** What OpenSSH would read by itself. */
export function userConfigFiles(): string[] {
  return [join(homedir(), '.ssh', 'config'), '/etc/ssh/ssh_config'];
}

/**
 * The file that all ssh processes of a connection read, those of the user's own ProxyJump included. Nothing in it may
 * depend on which host is connected to. `files` that do not exist are left out.
 */
export function sharedConfig(
  files: readonly string[],
  paths: SshPaths,
  { wanted, offered }: KeyExchanges = { wanted: [], offered: [] },
): string {
  const lines = [
    'StrictHostKeyChecking yes',
    'UpdateHostKeys no',
    'BatchMode yes',
    `ConnectTimeout ${connectTimeoutSeconds}`,
    `ServerAliveInterval ${aliveIntervalSeconds}`,
    `ServerAliveCountMax ${aliveCountMax}`,
    'TCPKeepAlive yes',
    'RequestTTY no',
    'RemoteCommand none',
    'PermitLocalCommand no',
    'ForwardAgent no',
    'ForwardX11 no',
    'VisualHostKey no',
  ];
  const included = files.filter((file) => existsSync(file)).map((file) => `Include ${paths.plain(file)}`);
  // The first value of a keyword counts, so the user's own configuration wins over what comes after it.
  // What belay.yaml says wins over every file.
  if (wanted.length > 0) lines.push(`KexAlgorithms ${wanted.join(',')}`);
  const kex = fastFirst(offered);
  const last = kex.length === 0 ? [] : ['Match all', `  KexAlgorithms ${kex.join(',')}`];
  return ['Host *', ...lines.map((line) => `  ${line}`), 'Match all', ...included, ...last, ''].join('\n');
}

/** Key exchanges that take a client some 10 ms, best first; sntrup761, the default of OpenSSH 9.0 to 9.8, takes 65. */
const fastExchanges = [
  'mlkem768x25519-sha256',
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
];

/** What OpenSSH offers (`ssh -Q kex` lists more: SHA-1 and others that it does not use by itself), the fast ones first. */
export function fastFirst(known: readonly string[]): string[] {
  const usual = known.filter((name) => !/sha1|gss|^kex/.test(name));
  const fast = fastExchanges.filter((name) => usual.includes(name));
  return fast.length === 0 ? [] : [...fast, ...usual.filter((name) => !fast.includes(name))];
}

/** What the inventory says of one connection, as arguments of its own ssh process; it wins over every file. */
export function connectionArguments(
  address: HostAddress,
  { config, words, paths }: { readonly config: string; readonly words: string; readonly paths: SshPaths },
  jump: Jump | undefined,
): string[] {
  const { name, user, port, identityFile, knownHostsFile } = address;
  const options = [
    ...(identityFile === undefined
      ? []
      : [`IdentityFile=${paths.plain(identityFile)}`, 'IdentitiesOnly=yes']),
    ...(knownHostsFile === undefined
      ? []
      : [`UserKnownHostsFile=${paths.plain(knownHostsFile)} ~/.ssh/known_hosts ~/.ssh/known_hosts2`]),
    ...(jump === undefined ? [] : [`ProxyCommand=${proxyCommand(jump, words)}`]),
    'ClearAllForwardings=yes',
  ];
  return [
    '-F',
    config,
    ...(user === undefined ? [] : ['-l', plain(user, 'user', name)]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...options.flatMap((option) => ['-o', option]),
  ];
}

/**
 * The arguments that make a connection a master. `-v`: with ControlPersist, ssh sends the words of a ProxyJump or
 * ProxyCommand to nowhere, unless it is to be verbose. Its own go to `log`, theirs to its standard error.
 */
export function masterArguments({
  socket,
  log,
}: {
  readonly socket: string;
  readonly log: string;
}): string[] {
  const options = ['ControlMaster=yes', `ControlPersist=${persistSeconds}`];
  return ['-v', '-E', log, '-S', escapePercent(socket), ...options.flatMap((option) => ['-o', option])];
}

/**
 * The configuration of sessions over a master. It reads nothing of the user's, and its ProxyCommand fails: a session
 * whose master is gone must not quietly open a connection of its own.
 */
export const sessionConfig = `Host *
  ControlMaster no
  ProxyCommand /bin/false
  BatchMode yes
  StrictHostKeyChecking yes
  RequestTTY no
  ForwardAgent no
  LogLevel INFO
`;

/**
 * `-W` through the bastion's master. %h and %p are what the user's configuration makes of the destination. The words
 * of a ProxyCommand go to a file by name, because an old ssh drops them for connections that persist.
 */
export function proxyCommand({ sessionConfig, socket, destination }: Jump, words: string): string {
  const [config, path, said] = [sessionConfig, socket, words].map((file) => shellQuote(escapePercent(file)));
  return `ssh -F ${config} -S ${path} -W '[%h]:%p' -- ${shellQuote(escapePercent(destination))} 2>>${said}`;
}

export function escapePercent(text: string): string {
  return text.replaceAll('%', '%%');
}
