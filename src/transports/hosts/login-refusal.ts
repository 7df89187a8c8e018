/**
 * A login that a host turned away although the key was right: the account's shell, PAM, an account that has expired, or the
 * sentence that EC2 images have for root. What the host said is told, and the advice is about that.
 */
import type { HostFailure } from '../host.ts';
import { hostFailure } from './failure.ts';
import { sentence, visible } from './said.ts';

interface Cause {
  readonly said: RegExp;
  readonly next: (match: RegExpExecArray) => string;
  /** It passes by itself: the host takes no logins just now. */
  readonly passes?: true;
}

/** Wordings of pam_nologin, pam_unix, shadow, sshd, nologin(8) and cloud-init; the first that fits is meant. */
const causes: readonly Cause[] = [
  {
    said: /Please login as the user "(?<user>[A-Za-z0-9._-]{1,32})"/,
    next: (match) =>
      `Write  user: ${match.groups?.['user']}  in belay.yaml, with become: sudo where root is needed.`,
  },
  {
    said: /System is (?:going down|booting up)|Unprivileged users are not permitted to log in|pam_nologin|system is unavailable|shutting down for maintenance/i,
    next: () =>
      'The host is booting or shutting down and takes no logins until it has; ask it again then. Should it stay so, look for /run/nologin and /etc/nologin on it.',
    passes: true,
  },
  {
    said: /account (?:has|is) expired|User account has expired|account .{0,40}expired/i,
    next: () =>
      'The account has expired: extend it on the host (chage -E -1 USER), or log in as another user.',
  },
  {
    said: /[Pp]assword (?:has )?expired|[Pp]assword change required|change your password|required to change your password/,
    next: () =>
      'The password of the account has to be changed before it may do anything: log in once by hand, or set its age on the host (chage).',
  },
  {
    said: /account is (?:currently )?(?:not available|locked|disabled)|currently not available/i,
    next: () =>
      'The account has no shell that runs commands. Give it one on the host (chsh -s /bin/sh USER), or log in as another user.',
  },
  {
    said: /Access denied|not allowed|Permission denied|denied by|pam_access/i,
    next: () =>
      'The rules of the host for logins (PAM, access.conf, sshd_config) keep this account out; change them, or log in as another user.',
  },
  {
    said: /[Tt]oo many logins|[Mm]aximum number of logins|Resource temporarily unavailable|fork: /,
    next: () =>
      'The account has as many logins or processes as its limits allow (limits.conf); end some, or raise the limit.',
    passes: true,
  },
];

/** The key was accepted, and the host closed the connection before the login was complete. */
export function closedAtLogin(closed: {
  readonly host: string;
  readonly name: string;
  readonly banner: string;
}): HostFailure {
  const { host, name, banner } = closed;
  const said = visible(banner);
  const cause = causeOf(said);
  const isSilent = said === '';
  const passes = isSilent || cause?.passes === true;
  return hostFailure({
    host,
    name,
    // Without a word it may also be a host that is just going down.
    code: isSilent || cause?.passes === true ? 'UNREACHABLE' : 'AUTH_REFUSED',
    retryable: passes,
    what: `the host accepted the key and then turned the login away${isSilent ? ', without a word' : `. It says: ${said}`}`,
    next:
      cause?.next ??
      'The log of its sshd says why (journalctl -u ssh -u sshd): often PAM, an expired account, or limits on logins.',
  });
}

/** The login was complete, and what runs for it ended before it ran anything. */
export function endedAtLogin(ended: {
  readonly host: string;
  readonly name: string;
  readonly exitCode: number;
  readonly said: string;
}): HostFailure {
  const { host, name, exitCode } = ended;
  const said = visible(ended.said);
  const cause = causeOf(said);
  return hostFailure({
    host,
    name,
    code: exitCode === 127 && cause === undefined ? 'TOOL_MISSING' : 'AUTH_REFUSED',
    retryable: cause?.passes === true,
    what: `logged in, but what runs for the account ended (exit ${exitCode}) before it ran anything${said === '' ? '' : `. It says: ${said}`}`,
    next: sentence(
      cause?.next ??
        'The account needs a login shell that runs commands, no forced command in authorized_keys or sshd_config, and the host /bin/sh, env, dd and setsid',
    ),
  });
}

function causeOf(said: string): { readonly next: string; readonly passes?: true } | undefined {
  for (const cause of causes) {
    const match = cause.said.exec(said);
    if (match !== null) return { ...cause, next: cause.next(match) };
  }
  return undefined;
}
