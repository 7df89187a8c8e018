/** The configuration of a connection that has one key alone, from its agent: no other ssh process ever reads it. */
import { shellQuote } from './protocol/quote.ts';
import { connectTimeoutSeconds, escapePercent, proxyCommand, type Jump } from './ssh-config.ts';

/** What of a resolved configuration (`ssh -G`) leads to the host. Nothing of it brings a key along. */
const wayKeywords = [
  'hostname',
  'port',
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
  },
  way: { readonly jump: Jump | undefined; readonly words: string; readonly config: string },
): string {
  const { agent, publicKey } = proof;
  const said = resolved.split('\n').map((line) => {
    const [keyword = '', ...words] = line.trim().split(' ');
    return { keyword, value: words.join(' ') };
  });
  const proxy = way.jump === undefined ? proxyOf(said, way) : proxyCommand(way.jump, way.words);
  const lines = [
    ...said
      .filter(({ keyword, value }) => wayKeywords.includes(keyword) && value !== '' && value !== 'none')
      .map(({ keyword, value }) => `${keyword} ${keyword === 'hostname' ? escapePercent(value) : value}`),
    ...(proxy === undefined ? [] : [`ProxyCommand ${proxy}`]),
    `IdentityAgent ${agent}`,
    `IdentityFile ${publicKey}`,
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

/** Whom the host is logged in to as. */
export function userOf(resolved: string): string | undefined {
  return /^user (.+)$/m.exec(resolved)?.[1];
}

/** The bastions of the user's own configuration, reached with the keys that it names for them. */
function proxyOf(
  said: readonly { readonly keyword: string; readonly value: string }[],
  { words, config }: { readonly words: string; readonly config: string },
): string | undefined {
  const of = (wanted: string) =>
    said.find(({ keyword, value }) => keyword === wanted && value !== 'none' && value !== '')?.value;
  const hops = of('proxyjump')?.split(',') ?? [];
  const last = hops.at(-1);
  if (last === undefined) return of('proxycommand');
  const command = [
    'ssh',
    '-F',
    config,
    ...(hops.length === 1 ? [] : ['-J', hops.slice(0, -1).join(',')]),
    '-W',
    '[%h]:%p',
    '--',
    `ssh://${last}`,
  ];
  const quotedWords = command.map((word) => shellQuote(word === '[%h]:%p' ? word : escapePercent(word)));
  return `${quotedWords.join(' ')} 2>>${shellQuote(escapePercent(words))}`;
}
