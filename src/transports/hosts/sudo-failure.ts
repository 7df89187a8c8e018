/** What sudo says when it will not: it speaks before the protocol does. */
import type { HostFailure } from '../host.ts';
import { hostFailure } from './failure.ts';

/** Undefined when it was not sudo that failed. The wording is sudo's own in any language, so only its prefix counts. */
export function sudoFailure(seen: {
  readonly host: string;
  readonly name: string;
  readonly stderr: string;
  readonly exitCode: number | undefined;
}): HostFailure | undefined {
  const { host, name, stderr, exitCode } = seen;
  if (exitCode === 127 && /\bsudo\b/.test(stderr)) {
    return hostFailure({
      host,
      name,
      code: 'TOOL_MISSING',
      what: 'the inventory says become: sudo, and the host has no sudo',
      next: 'Install it, or connect as root with become: none.',
    });
  }
  const line = stderr.split('\n').findLast((text) => /^\s*sudo: /.test(text)) ?? notInSudoers(stderr);
  if (line === undefined) return undefined;
  return hostFailure({
    host,
    name,
    code: 'SUDO_REFUSED',
    what: `sudo refused: ${line.replace(/^\s*sudo: /, '').trim()}`,
    next: 'Belay never types a password. Allow the account passwordless sudo (NOPASSWD), or connect as root with become: none.',
  });
}

function notInSudoers(stderr: string): string | undefined {
  return /^.*(?:not in the sudoers file|is not allowed to (?:execute|run) ).*$/im.exec(stderr)?.[0];
}
