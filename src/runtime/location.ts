/** Another account or region: how AWS is called there, and that no host of the inventory is in it. */
import { ActionFailure } from '../actions/index.ts';
import type { Location } from '../engine/index.ts';
import type { Aws } from '../transports/aws.ts';
import type { Host } from '../transports/host.ts';

/** AWS as the call wants it: there, with the document's role, or as the caller. */
export function awsOf(
  { location, assumeRole }: { readonly location?: Location; readonly assumeRole?: string },
  aws: Aws,
): Aws {
  if (location === undefined) return assumeRole === undefined ? aws : aws.assume(assumeRole);
  const { roles, region } = location;
  return roles.reduce(
    (view, role, index) => (index === roles.length - 1 ? view.assume(role, region) : view.assume(role)),
    aws,
  );
}

/** An instance by its id alone, which Systems Manager reaches there. Throws ActionFailure for every other host, and for all that is asked of it. */
export function instanceThere(host: Host, location: Location): Host {
  if (host.transport !== 'ssm' || host.instanceId !== host.name) throw notThere(host.name, location);
  const refuse = (): never => {
    throw notThere(host.name, location);
  };
  return { ...host, read: refuse, start: refuse, dial: refuse };
}

/** Throws ActionFailure. */
export function noHostsThere(location: Location): never {
  throw new ActionFailure({
    code: 'UNKNOWN_TARGET',
    message: `hosts of the inventory are in no account: there are none in ${wordsOf(location)}`,
  });
}

function notThere(name: string, location: Location): ActionFailure {
  return new ActionFailure({
    code: 'NOT_THERE',
    message: `${name} is reached from here, whatever the account, and the step acts in ${wordsOf(location)}: only AWS itself is called there`,
  });
}

/** `111122223333 eu-west-1` */
function wordsOf({ roles, region }: Location): string {
  return `${roles.at(-1)?.split(':')[4] ?? 'another account'} ${region}`;
}
