/**
 * What OpenSSH's messages mean. Its only machine-readable answer is exit 255, so the text decides; these messages have
 * been stable for many releases and are not translated. Source: OpenSSH 9.2, sshconnect.c, sshconnect2.c, clientloop.c.
 */
import type { HostFailure } from '../host.ts';
import { hostFailure } from './failure.ts';
import { knownFingerprint } from './known-hosts.ts';
import { closedAtLogin } from './login-refusal.ts';
import { asTyped, visible } from './said.ts';
import { silentSecondsMax } from './ssh-config.ts';
import type { Progress } from './ssh-log.ts';

export interface ConnectAttempt {
  /** The label and name of the host that is wanted. */
  readonly host: string;
  readonly name: string;
  /** The hop that failed, when it is a bastion on the way. */
  readonly hop?: string;
  /** What was connected to, with its port where it is not 22: `10.77.1.20`, `[10.77.1.20]:2222`. */
  readonly destination: string;
  /** The bastion that was asked to connect, where there is one, and what its connection has said. */
  readonly through?: { readonly name: string; readonly log: string };
  readonly log: string;
  /** What came on its standard error: the words of the processes on the way, and the banner of the host. */
  readonly way?: string;
  /** How far it came. */
  readonly progress: Progress;
}

type Meaning = Pick<HostFailure, 'code' | 'retryable'> & { readonly what: string; readonly next?: string };

/** Why a connection could not be opened. Nothing has been sent. */
export function connectFailure(attempt: ConnectAttempt): HostFailure {
  const { host, name, hop, log, way = '', progress } = attempt;
  if (progress.stage === 'accepted' && !/Permission denied|Too many authentication/.test(log)) {
    return closedAtLogin({ host, name: hop ?? name, banner: way });
  }
  const meaning = readMeaning(attempt);
  const where = hop === undefined ? '' : `bastion ${hop}: `;
  return hostFailure({ ...meaning, host, name, what: `${where}${asTyped(meaning.what)}` });
}

function readMeaning(attempt: ConnectAttempt): Meaning {
  const { log, way = '', through, progress } = attempt;
  // Over a bastion of the inventory the way is our own, and says no more than that it could not go on.
  if (through !== undefined) {
    const all = { ...attempt, log: `${log}\n${way}` };
    return ofKeys(all) ?? silence(all.log) ?? noWay(all) ?? anythingElse(all.log);
  }
  const own = ofKeys(attempt);
  if (own !== undefined) return own;
  // Only what leads to the host speaks before the host has greeted; afterwards it may be the host, which says anything.
  if (progress.isProxied && progress.stage === 'started') {
    return onTheWay(attempt) ?? silence(log) ?? anythingElse(`${log}\n${way}`);
  }
  return silence(log) ?? noWay({ ...attempt, way: '' }) ?? anythingElse(`${log}\n${way}`);
}

function ofKeys(attempt: ConnectAttempt): Meaning | undefined {
  return changedKey(attempt.log) ?? unknownKey(attempt) ?? refusedKey(attempt.log);
}

/** Why a jump failed that the user's own configuration asks for. The connection itself then only knows that it was closed. */
function onTheWay({ way = '', ...attempt }: ConnectAttempt): Meaning | undefined {
  const there = { ...attempt, log: way };
  const meaning = ofKeys(there) ?? silence(way) ?? noWay(there);
  if (meaning === undefined) return undefined;
  return {
    ...meaning,
    what: `on the way to it (ProxyJump or ProxyCommand of the ssh configuration): ${meaning.what}`,
  };
}

function changedKey(log: string): Meaning | undefined {
  if (/REVOKED HOST KEY/.test(log)) {
    return {
      code: 'HOST_KEY_CHANGED',
      retryable: false,
      what: 'the host shows a key that is marked as revoked',
      next: 'Somebody may sit in between. Ask who revoked it before you go on.',
    };
  }
  if (!/REMOTE HOST IDENTIFICATION HAS CHANGED/.test(log)) return undefined;
  const got = /key sent by the remote host is\s+(\S+?)\.?\s/.exec(log)?.[1] ?? 'another key';
  const offending = /^Offending .* key in (?<file>.+):(?<line>\d+)/m.exec(log)?.groups;
  const expected = knownFingerprint(offending?.['file'] ?? '', Number(offending?.['line'] ?? 0));
  const known = /^Host key for (\S+) has changed/m.exec(log)?.[1] ?? 'HOST';
  const file = offending?.['file'];
  const inFile = file === undefined || file.endsWith('/.ssh/known_hosts') ? '' : ` -f ${file}`;
  return {
    code: 'HOST_KEY_CHANGED',
    retryable: false,
    what: `the host key changed. Expected ${expected ?? 'the key in known_hosts'}, got ${got}.`,
    next: `Somebody reinstalled the host or sits in between. If it was reinstalled:  ssh-keygen -R ${shellWord(known)}${inFile}`,
  };
}

function unknownKey({ log, destination }: ConnectAttempt): Meaning | undefined {
  const key = /No (\S+) host key is known for (\S+) and you have requested strict checking/.exec(log);
  if (key === null && !/Host key verification failed/.test(log)) return undefined;
  const known = key?.[2] ?? destination;
  const address = /^\[(?<host>.+)\]:(?<port>\d+)$/.exec(known)?.groups;
  const scan = address === undefined ? known : `-p ${address['port']} ${address['host']}`;
  return {
    code: 'HOST_KEY_UNKNOWN',
    retryable: false,
    what: `its host key is not known (no ${key?.[1] ?? ''} key for ${known} in known_hosts).`.replace(
      'no  key',
      'no key',
    ),
    next: `Belay accepts no key by itself. Look at it with  ssh-keyscan ${scan} | ssh-keygen -lf -  and, when it is right, add it to ~/.ssh/known_hosts.`,
  };
}

function refusedKey(log: string): Meaning | undefined {
  const denied = /^(?:Received disconnect.*)?(\S+@\S+): Permission denied \(([^)]*)\)/m.exec(log);
  const tooMany = /Too many authentication failures/.test(log);
  if (denied === null && !tooMany) return undefined;
  const hints = [
    ...log.matchAll(
      /^(?:Load key .*|.*no such identity: .*|.*[Uu]nprotected private key.*|.*signing failed.*|sign_and_send_pubkey.*)$/gm,
    ),
  ].map(([line]) => line.trim());
  const who = denied === null ? 'The host' : denied[1];
  return {
    code: 'AUTH_REFUSED',
    retryable: false,
    what: tooMany
      ? 'the host refused every key before the right one came: too many authentication failures'
      : `${who}: permission denied; the host accepts ${denied?.[2]}, and no key that was offered${hints.length === 0 ? '' : ` (${hints.join('; ')})`}`,
    next: 'Check user and identityFile in belay.yaml, your agent (ssh-add -l) and authorized_keys on the host.',
  };
}

function silence(log: string): Meaning | undefined {
  if (!/timed out during banner exchange|Timeout, server .* not responding/.test(log)) return undefined;
  return {
    code: 'NO_REPLY',
    retryable: true,
    what: 'the host accepts connections and never answers',
    next: 'It may be frozen, out of memory or overloaded; ask its console or the platform.',
  };
}

function noWay({ log, through }: ConnectAttempt): Meaning | undefined {
  if (through !== undefined && /forwarding request failed/i.test(log)) {
    const why = [...through.log.matchAll(/open failed: (?:connect failed: )?(.*)/g)].at(-1)?.[1]?.trim();
    return {
      code: 'UNREACHABLE',
      retryable: true,
      what: `${through.name} is connected and cannot reach it: ${why ?? 'it refused to connect'}`,
    };
  }
  const beyond = /channel \d+: open failed: (?:connect failed: )?(.*)/.exec(log)?.[1]?.trim();
  if (through === undefined && beyond !== undefined && /stdio forwarding failed/.test(log)) {
    return {
      code: 'UNREACHABLE',
      retryable: true,
      what: `the last bastion is connected and cannot reach it: ${beyond}`,
    };
  }
  const connect = /connect to (?:host|address) (\S+) port (\d+): (.*)/.exec(log);
  if (connect !== null) {
    const [, to, port, why] = connect;
    return {
      code: 'UNREACHABLE',
      retryable: true,
      what: `connecting to ${to} port ${port} failed: ${why?.trim()}`,
    };
  }
  const name = /Could not resolve hostname (.+): ([^:\n]*)/.exec(log);
  if (name !== null) {
    return {
      code: 'UNREACHABLE',
      retryable: /Temporary failure/.test(name[2] ?? ''),
      what: `the name ${name[1]} cannot be resolved: ${name[2]?.trim()}`,
    };
  }
  const kex = /Unable to negotiate with .*/.exec(log);
  return kex === null ? undefined : { code: 'UNREACHABLE', retryable: false, what: kex[0].trim() };
}

function anythingElse(log: string): Meaning {
  const lines = log.split('\n').map((line) => line.trim());
  const telling = lines.filter((line) => line !== '' && !/^Authenticat|^Warning: Permanently/.test(line));
  return {
    code: 'UNREACHABLE',
    retryable: !/[Bb]ad (?:owner|configuration|permissions)|terminating, .* bad/.test(log),
    what:
      telling.length === 0
        ? 'ssh ended without saying why'
        : `ssh says: ${visible(telling.slice(-4).join('\n'))}`,
  };
}

/** Why a session over a live master ended early. The program had begun on the host. */
export function lostFailure(lost: { host: string; name: string; log: string }): HostFailure {
  const { host, name, log } = lost;
  if (/Timeout, server .* not responding/.test(log)) {
    return hostFailure({
      host,
      name,
      code: 'NO_REPLY',
      what: `the host stopped answering; the connection was given up after ${silentSecondsMax} s of silence`,
      next: 'It may be frozen, rebooting or cut off. A command that had begun goes on under its token.',
      retryable: true,
      effect: 'unknown',
    });
  }
  const lines = log
    .split('\n')
    .filter(
      (line) => line.trim() !== '' && !/^(?:Authenticated|Transferred: |Bytes per second: )/.test(line),
    );
  const why = lines.at(-1)?.trim();
  return hostFailure({
    host,
    name,
    code: 'CONNECTION_LOST',
    what: `the connection was lost${why === undefined ? '' : ` (${why})`}`,
    next: 'A command that had begun goes on under its token.',
    retryable: true,
    effect: 'unknown',
  });
}

function shellWord(word: string): string {
  return /^[\w.:-]+$/.test(word) ? word : `'${word}'`;
}
