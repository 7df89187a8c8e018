/** What the OpenSSH client of this machine can do. */
import { execFileSync } from 'node:child_process';

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
