/** Which operations only read, by the verb that opens the name. Needs no service model, so actions may ask it too. */
import { lettersOf } from './names.ts';

/** The verb must end where the next word begins: `Getaway` is no `Get`. */
const READS =
  /^(?:BatchGet|BatchDescribe|Check|Decode|Describe|Estimate|Filter|Get|Head|List|Lookup|Preview|Query|Scan|Search|Select|Simulate)(?=[A-Z]|$)/;

/** Operations that are named like a read and change something all the same. */
const NOT_READS: ReadonlySet<string> = new Set([
  // Creates the identity when there is none.
  'cognitoidentity:getid',
  'cognitoidentity:getopenidtokenfordeveloperidentity',
  // Gives a licence back.
  'licensemanager:checkinlicense',
  // Hands out the access once.
  'ssm:getaccesstoken',
]);

/** Operations that leave nothing behind in the account, whatever their verb: they hand out credentials that run out. */
const HARMLESS: ReadonlySet<string> = new Set([
  'sts:assumerole',
  'sts:assumerolewithsaml',
  'sts:assumerolewithwebidentity',
  'sts:assumeroot',
]);

/** For every accepted spelling of service and operation: `DescribeInstances`, `describe_instances`, `describe-instances`. */
export function isReadOnlyOperation(service: string, operation: string): boolean {
  const name = `${lettersOf(service)}:${lettersOf(operation)}`;
  return HARMLESS.has(name) || (READS.test(asPascalCase(operation)) && !NOT_READS.has(name));
}

function asPascalCase(operation: string): string {
  return operation
    .split(/[-_]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}
