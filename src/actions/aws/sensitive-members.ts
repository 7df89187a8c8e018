/**
 * Calls that are made to keep a secret, and the members that carry it: the only places of an API call in which one may stand. AWS marks
 * them as sensitive in the services' models, and keeps them out of CloudTrail.
 */
import type { JsonObject } from '../../json.ts';

const members: Readonly<Record<string, readonly string[]>> = {
  'ssm:PutParameter': ['Value'],
  'secretsmanager:CreateSecret': ['SecretString', 'SecretBinary'],
  'secretsmanager:PutSecretValue': ['SecretString', 'SecretBinary'],
  'secretsmanager:UpdateSecret': ['SecretString', 'SecretBinary'],
  'rds:CreateDBInstance': ['MasterUserPassword'],
  'rds:ModifyDBInstance': ['MasterUserPassword'],
  'rds:CreateDBCluster': ['MasterUserPassword'],
  'rds:ModifyDBCluster': ['MasterUserPassword'],
  'iam:CreateLoginProfile': ['Password'],
  'iam:UpdateLoginProfile': ['Password'],
};

/** A plain parameter of Parameter Store is shown to everybody who may read it: only a SecureString keeps a secret. */
export function sensitiveMembers({ Service, Api, Type }: JsonObject): readonly string[] {
  const [service, api] = [wordOf(Service), wordOf(Api)];
  if (service === 'ssm' && api === 'putparameter' && Type !== 'SecureString') return [];
  const found = Object.entries(members).find(([call]) => call.toLowerCase() === `${service}:${api}`);
  return found?.[1] ?? [];
}

/** `put_parameter` and `PutParameter` are the same. */
function wordOf(name: unknown): string {
  return typeof name === 'string' ? name.toLowerCase().replaceAll(/[-_]/g, '') : '';
}
