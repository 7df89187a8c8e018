/** How a primary is reached, as libpq writes it: host=db1 user=replication. A password in it may come from a secret only. */
import { ActionFailure, type ActionContext } from '../define-action.ts';

/** A secret parameter's value is not text yet when this is asked: what stands for it begins with a NUL. */
const plainPassword = /(?:^|\s)(?:ssl)?password\s*=\s*'?[^\s'\0]/i;
const plainInUri = /^\s*postgres(?:ql)?:\/\/(?:[^/?#]*:[^/?#@\0]+@|[^\s]*[?&](?:ssl)?password=[^&\0])/i;

/** Asked before the execution is written down. Throws ActionFailure PLAIN_PASSWORD, which holds nothing of it. */
export function refusePlainPassword(ConnInfo: string | undefined): void {
  if (!holdsPassword(ConnInfo)) return;
  throw new ActionFailure({
    code: 'PLAIN_PASSWORD',
    message: `ConnInfo holds a password as plain text, which the journal would keep. ${ways}. Nothing was started`,
  });
}

/** Asked before the effect, of what only another step or the runbook above could tell. Throws as the other one. */
export function refuseGivenPassword(
  ConnInfo: string | undefined,
  { isSecret }: Pick<ActionContext, 'isSecret'>,
): void {
  if (!holdsPassword(ConnInfo) || isSecret(ConnInfo ?? '')) return;
  throw new ActionFailure({
    code: 'PLAIN_PASSWORD',
    message: `ConnInfo was given a password as plain text, and the journal has it from there: change that password. ${ways}. Nothing was changed on the host`,
  });
}

const ways =
  'Leave it out and put it into .pgpass of the server’s user on each host (or name a passfile), or write password={{ Name }} with a parameter that has secret: true';

const holdsPassword = (text: string | undefined): boolean =>
  text !== undefined && (plainPassword.test(text) || plainInUri.test(text));
