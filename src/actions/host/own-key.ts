/** Whether Belay is about to take away the key by which it has logged in itself. */
import type { Host } from '../../transports/host.ts';
import { ActionFailure, type ActionContext } from '../define-action.ts';
import { observeConnection } from '../scripts/authorized-keys.ts';
import { readFields } from '../scripts/fields.ts';

export type Login =
  /** SSM or this machine itself: no key carries the connection. */
  | { readonly kind: 'withoutKey' }
  | { readonly kind: 'key'; readonly user: string; readonly fingerprint: string }
  /** By a certificate or a password; authorized_keys has no part in it. */
  | { readonly kind: 'otherwise'; readonly user: string }
  | { readonly kind: 'unknown' };

/** What the host's sshd has logged of the login over which this question comes. */
export async function loginOf(host: Host, context: Pick<ActionContext, 'signal'>): Promise<Login> {
  if (host.transport === 'ssm') return { kind: 'withoutKey' };
  const fields = await readFields(host, observeConnection([]), context);
  if (fields.one('over') !== 'ssh') return { kind: 'withoutKey' };
  return parseLogin(fields.all('accepted').at(-1));
}

/** `Accepted publickey for ops from 10.0.0.1 port 4711 ssh2: ED25519 SHA256:…` */
export function parseLogin(line: string | undefined): Login {
  const found = /^Accepted (\S+) for (\S+) from \S+ port \d+ ssh2(?:: (\S+) (\S+))?/.exec(line ?? '');
  const [, method, user, type, fingerprint] = found ?? [];
  if (method === undefined || user === undefined) return { kind: 'unknown' };
  if (!method.startsWith('publickey') || type?.endsWith('-CERT') === true) return { kind: 'otherwise', user };
  if (fingerprint?.startsWith('SHA256:') !== true) return { kind: 'unknown' };
  return { kind: 'key', user, fingerprint };
}

/** Throws ActionFailure when one of the keys to be removed carries this connection and no other one is proven. */
export async function refuseOwnKey(
  host: Host,
  user: string,
  removing: readonly string[],
  proven: string | undefined,
  context: Pick<ActionContext, 'signal'>,
): Promise<void> {
  if (removing.length === 0 || (proven !== undefined && !removing.includes(proven))) return;
  const login = await loginOf(host, context);
  const advice =
    'Prove another key of the user with ssh:proveKey first, and give its Fingerprint as Proven. Nothing was changed';
  if (login.kind === 'unknown') {
    throw new ActionFailure({
      code: 'OWN_KEY_UNKNOWN',
      message: `${host.label}: sshd's log does not tell by which key Belay has logged in; it may be one of those to be removed. ${advice}`,
    });
  }
  if (isOwn(login, user, removing)) throw ownKey(host, user, login.fingerprint, advice);
}

/** For an undo, which has no other way: what cannot be found out is let pass. */
export async function refuseKnownOwnKey(
  host: Host,
  user: string,
  removing: readonly string[],
  context: Pick<ActionContext, 'signal'>,
): Promise<void> {
  if (removing.length === 0) return;
  const login = await loginOf(host, context);
  if (!isOwn(login, user, removing)) return;
  throw ownKey(host, user, login.fingerprint, 'Let the inventory use another key, then roll back again');
}

type KeyLogin = Extract<Login, { kind: 'key' }>;

const isOwn = (login: Login, user: string, removing: readonly string[]): login is KeyLogin =>
  login.kind === 'key' && login.user === user && removing.includes(login.fingerprint);

function ownKey(host: Host, user: string, fingerprint: string, advice: string): ActionFailure {
  return new ActionFailure({
    code: 'OWN_KEY',
    message: `${host.label}: ${fingerprint} is the key by which Belay itself has logged in as ${user} (so sshd's log says). ${advice}`,
  });
}
