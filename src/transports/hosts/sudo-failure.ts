/** What sudo says when it will not: it speaks before the protocol does. */
import type { HostFailure } from '../host.ts';
import { hostFailure } from './failure.ts';
import { visible } from './said.ts';

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
  const line =
    stderr.split('\n').findLast((text) => /^\s*sudo: /.test(text) && !/unable to resolve host/.test(text)) ??
    notInSudoers(stderr);
  if (line === undefined) return undefined;
  return hostFailure({
    host,
    name,
    code: 'SUDO_REFUSED',
    what: `sudo refused: ${visible(line.replace(/^\s*sudo: /, ''))}`,
    next: adviceFor(stderr),
  });
}

/** Wordings of sudo 1.8 to 1.9; in another language the last one is given. */
const advices: readonly (readonly [RegExp, string])[] = [
  [
    /must have a tty/,
    'sudoers has requiretty, and Belay has no terminal: turn it off for the account (Defaults:USER !requiretty).',
  ],
  [
    /not in the sudoers file|is not allowed to|may not run sudo/i,
    'Give the account the right in sudoers (USER ALL=(ALL) NOPASSWD: ALL), or connect as root with become: none.',
  ],
  [
    /account (?:is )?locked|expired|account validation failure|PAM account management/i,
    'The account itself has expired or is locked: mend it on the host (chage -l USER, passwd -S USER).',
  ],
  [
    /syntax error|parse error|no valid sudoers|unable to (?:open|stat|initialize).*(?:sudoers|policy)|world writable|is owned by uid/i,
    'The sudoers files of the host are not in order: visudo -c on it shows where.',
  ],
  [
    /setuid bit set|effective uid is not 0|nosuid|no new privileges/i,
    'sudo cannot become root on this host as it is installed or mounted; connect as root with become: none.',
  ],
  [
    /./s,
    'Belay never types a password. Allow the account passwordless sudo (NOPASSWD), or connect as root with become: none.',
  ],
];

function adviceFor(stderr: string): string {
  return advices.find(([said]) => said.test(stderr))?.[1] ?? '';
}

function notInSudoers(stderr: string): string | undefined {
  return /^.*(?:not in the sudoers file|is not allowed to (?:execute|run) ).*$/im.exec(stderr)?.[0];
}
