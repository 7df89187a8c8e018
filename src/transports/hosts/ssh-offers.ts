/** What the OpenSSH client of this machine can do. */
import { execFileSync } from 'node:child_process';
import { hostFailure } from './failure.ts';
import type { KeyExchanges } from './ssh-config.ts';

/** The key exchanges that it knows; none where it cannot be asked. */
export function knownKeyExchanges(): string[] {
  try {
    const said = execFileSync('ssh', ['-Q', 'kex'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return said.split('\n').filter((name) => /^[\w@.-]+$/.test(name));
  } catch {
    return [];
  }
}

/** Throws HostFailure where belay.yaml names what this ssh does not know: it would refuse its whole configuration. */
export function checkKeyExchange({ wanted, offered }: KeyExchanges): void {
  const unknown = wanted.find((name) => !offered.includes(name));
  if (unknown === undefined || offered.length === 0) return;
  throw hostFailure({
    host: 'ssh',
    name: 'any host',
    code: 'TOOL_MISSING',
    what: `the ssh of this machine does not know ${unknown}, which keyExchange of belay.yaml names; it knows ${offered.join(', ')}`,
    next: 'Name one of these in keyExchange, or leave it out: then the fast ones that this ssh knows come first.',
  });
}
