/**
 * Writes the ssh_config files of one connection. What the inventory says comes first and therefore wins; what must
 * hold for an unattended runner comes next; everything else is the user's own configuration, read by OpenSSH itself.
 */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { HostAddress } from '../host.ts';
import { shellQuote } from './protocol/quote.ts';

/** Idle masters end by themselves, so that a killed runner leaves nothing behind for long. */
const persistSeconds = 60;
const connectTimeoutSeconds = 10;
const aliveIntervalSeconds = 15;
const aliveCountMax = 3;
/** How long a live master takes to notice that its host has stopped answering. */
export const silentSecondsMax = aliveIntervalSeconds * aliveCountMax;

/** What ssh is told to connect to: the user's own `Host` blocks are matched against it. */
export function destinationOf(address: HostAddress): string {
  const destination = address.address ?? address.name;
  return plain(destination, 'address', address.name);
}

export interface Jump {
  /** The configuration with which a session over the bastion's master is opened. */
  readonly sessionConfig: string;
  readonly socket: string;
  readonly destination: string;
}

/** What OpenSSH would read by itself. */
export function userConfigFiles(): string[] {
  return [join(homedir(), '.ssh', 'config'), '/etc/ssh/ssh_config'];
}

/** The configuration of a master connection. `files` that do not exist are left out. */
export function masterConfig(
  address: HostAddress,
  { socket, log }: { readonly socket: string; readonly log: string },
  jump: Jump | undefined,
  files: readonly string[],
): string {
  const { name, user, port, identityFile, knownHostsFile } = address;
  const lines = [
    ...(user === undefined ? [] : [`User ${plain(user, 'user', name)}`]),
    ...(port === undefined ? [] : [`Port ${port}`]),
    ...(identityFile === undefined
      ? []
      : [`IdentityFile ${quoted(identityFile, 'identityFile', name)}`, 'IdentitiesOnly yes']),
    ...(knownHostsFile === undefined
      ? []
      : [
          `UserKnownHostsFile ${quoted(knownHostsFile, 'knownHostsFile', name)} ~/.ssh/known_hosts ~/.ssh/known_hosts2`,
        ]),
    ...(jump === undefined ? [] : [`ProxyCommand ${proxyCommand(jump, log)}`]),
    `ControlPath ${quoted(escapePercent(socket), 'control path', name)}`,
    'ControlMaster yes',
    `ControlPersist ${persistSeconds}`,
    'StrictHostKeyChecking yes',
    'UpdateHostKeys no',
    'BatchMode yes',
    `ConnectTimeout ${connectTimeoutSeconds}`,
    `ServerAliveInterval ${aliveIntervalSeconds}`,
    `ServerAliveCountMax ${aliveCountMax}`,
    'TCPKeepAlive yes',
    'LogLevel VERBOSE',
    'RequestTTY no',
    'RemoteCommand none',
    'PermitLocalCommand no',
    'ClearAllForwardings yes',
    'ForwardAgent no',
    'ForwardX11 no',
    'VisualHostKey no',
  ];
  const included = files
    .filter((file) => existsSync(file))
    .map((file) => `Include ${quoted(file, 'configuration file', name)}`);
  return ['Host *', ...lines.map((line) => `  ${line}`), 'Match all', ...included, ''].join('\n');
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
 * of a ProxyCommand go to the log by name, because ssh drops them for connections that persist.
 */
function proxyCommand({ sessionConfig, socket, destination }: Jump, log: string): string {
  const [config, path, words] = [sessionConfig, socket, log].map((file) => shellQuote(escapePercent(file)));
  return `ssh -F ${config} -S ${path} -W [%h]:%p -- ${shellQuote(escapePercent(destination))} 2>>${words}`;
}

function escapePercent(text: string): string {
  return text.replaceAll('%', '%%');
}

/** A word that cannot be an option, open a second line or be split. Throws TypeError otherwise. */
function plain(value: string, what: string, host: string): string {
  if (/^-|[\s"'\\]|[^\x20-\uffff]/.test(value) || value === '') {
    throw new TypeError(`the ${what} of ${host} cannot be given to ssh: ${JSON.stringify(value)}`);
  }
  return value;
}

function quoted(value: string, what: string, host: string): string {
  if (/["\\]|[^\x20-\uffff]/.test(value) || value === '') {
    throw new TypeError(`the ${what} of ${host} cannot be given to ssh: ${JSON.stringify(value)}`);
  }
  return `"${value}"`;
}

/** What of a resolved configuration (`ssh -G`) leads to the host. Nothing of it brings a key along. */
const wayKeywords = [
  'hostname',
  'port',
  'user',
  'addressfamily',
  'bindaddress',
  'bindinterface',
  'hostkeyalias',
  'userknownhostsfile',
  'globalknownhostsfile',
  'knownhostscommand',
  'revokedhostkeys',
  'checkhostip',
  'verifyhostkeydns',
  'hostkeyalgorithms',
  'casignaturealgorithms',
  'kexalgorithms',
  'ciphers',
  'macs',
  'pubkeyacceptedalgorithms',
  'pubkeyacceptedkeytypes',
];

/**
 * The configuration of a connection that has one key alone, from its agent. `resolved` is what `ssh -G` prints for a
 * master's configuration: included here as it is, the user's own configuration could offer further keys.
 */
export function proofConfig(
  resolved: string,
  proof: {
    readonly agent: string;
    readonly publicKey: string;
    readonly user: string | undefined;
    readonly host: string;
  },
  way: { readonly jump: Jump | undefined; readonly log: string; readonly configFile: string | undefined },
): string {
  const { agent, publicKey, user, host } = proof;
  const said = resolved.split('\n').map((line) => {
    const [keyword = '', ...words] = line.trim().split(' ');
    return { keyword, value: words.join(' ') };
  });
  const proxy = way.jump === undefined ? proxyOf(said, way) : proxyCommand(way.jump, way.log);
  const lines = [
    ...(user === undefined ? [] : [`User ${plain(user, 'user', host)}`]),
    ...said
      .filter(({ keyword, value }) => wayKeywords.includes(keyword) && value !== '' && value !== 'none')
      .map(({ keyword, value }) => `${keyword} ${value}`),
    ...(proxy === undefined ? [] : [`ProxyCommand ${proxy}`]),
    `IdentityAgent ${quoted(escapePercent(agent), 'agent', host)}`,
    `IdentityFile ${quoted(escapePercent(publicKey), 'public key', host)}`,
    'IdentitiesOnly yes',
    'PubkeyAuthentication yes',
    'PreferredAuthentications publickey',
    'NumberOfPasswordPrompts 0',
    'ControlMaster no',
    'ControlPath none',
    'StrictHostKeyChecking yes',
    'UpdateHostKeys no',
    'BatchMode yes',
    `ConnectTimeout ${connectTimeoutSeconds}`,
    'ConnectionAttempts 1',
    'LogLevel DEBUG1',
    'RequestTTY no',
    'PermitLocalCommand no',
    'ClearAllForwardings yes',
    'ForwardAgent no',
    'ForwardX11 no',
  ];
  return ['Host *', ...lines.map((line) => `  ${line}`), ''].join('\n');
}

/** The bastions of the user's own configuration, reached with the keys that it names for them. */
function proxyOf(
  said: readonly { readonly keyword: string; readonly value: string }[],
  { log, configFile }: { readonly log: string; readonly configFile: string | undefined },
): string | undefined {
  const of = (wanted: string) =>
    said.find(({ keyword, value }) => keyword === wanted && value !== 'none' && value !== '')?.value;
  const hops = of('proxyjump')?.split(',') ?? [];
  const last = hops.at(-1);
  if (last === undefined) return of('proxycommand');
  const words = [
    'ssh',
    ...(configFile === undefined ? [] : ['-F', configFile]),
    '-o',
    'BatchMode=yes',
    '-o',
    'StrictHostKeyChecking=yes',
    ...(hops.length === 1 ? [] : ['-J', hops.slice(0, -1).join(',')]),
    '-W',
    '[%h]:%p',
    '--',
    `ssh://${last}`,
  ];
  const quotedWords = words.map((word) => (word === '[%h]:%p' ? word : shellQuote(escapePercent(word))));
  return `${quotedWords.join(' ')} 2>>${shellQuote(escapePercent(log))}`;
}
