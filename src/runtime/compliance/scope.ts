/** Which rule looks at which targets: selectors of belay.yaml, and instances by their tags in EC2. */
import { objectsIn, pages, textIn } from '../../actions/aws/reply.ts';
import { ActionFailure, checks } from '../../actions/index.ts';
import { accountTarget, type Look, type Rule } from '../../compliance/index.ts';
import { AwsFailure } from '../../transports/aws.ts';
import type { Transports } from '../transports.ts';
import { Refusal } from '../refusal.ts';

export interface Scope {
  /** By host, in the order in which rules first name them. */
  readonly hosts: ReadonlyMap<string, readonly Rule[]>;
  readonly account: readonly Rule[];
  /** Rules whose targets could not be found out: nobody knows. */
  readonly unknown: readonly Look[];
}

const instanceTag = 'instance-tag:';

/** `limit`: only these hosts, and nothing of the account. */
export async function scopeOf(
  rules: readonly Rule[],
  transports: Transports,
  limit: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<Scope> {
  const only = limit === undefined ? undefined : new Set(limited(limit, transports));
  const hosts = new Map<string, Rule[]>();
  const account: Rule[] = [];
  const unknown: Look[] = [];
  for (const rule of rules) {
    if (checks.get(rule.check)?.scope === 'account') {
      if (only === undefined) account.push(rule);
      continue;
    }
    const troubles: (ActionFailure | AwsFailure)[] = [];
    const found = await targetsOf(rule.targets, transports, signal, (trouble) => troubles.push(trouble));
    for (const host of found) {
      if (only !== undefined && !only.has(host)) continue;
      hosts.set(host, [...(hosts.get(host) ?? []), rule]);
    }
    const [first] = troubles;
    if (first === undefined) continue;
    const reason = troubles.map(({ message }) => message).join('; ');
    const judged = [{ kind: 'unknown', subject: '', code: first.code, reason }] as const;
    unknown.push({ rule: rule.name, target: accountTarget, judged, isWhole: false });
  }
  return { hosts, account, unknown };
}

function limited(limit: readonly string[], transports: Transports): readonly string[] {
  try {
    return transports.targets(limit);
  } catch (error) {
    if (!(error instanceof ActionFailure)) throw error;
    throw new Refusal('usage', error.code, `--limit: ${error.message}`);
  }
}

/** One selector that means nobody, or cannot be asked for now, takes the hosts of the others from nobody. */
async function targetsOf(
  selectors: readonly string[],
  transports: Transports,
  signal: AbortSignal,
  trouble: (why: ActionFailure | AwsFailure) => void,
): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const selector of selectors) {
    try {
      const hosts = selector.startsWith(instanceTag)
        ? await instancesByTag(selector, transports, signal)
        : transports.targets([selector]);
      for (const host of hosts) found.add(host);
    } catch (error) {
      const isExpected = error instanceof ActionFailure || error instanceof AwsFailure;
      if (!isExpected || signal.aborted) throw error;
      trouble(error);
    }
  }
  return [...found];
}

/** Instances that run; a stopped one has nothing to look at. */
async function instancesByTag(
  selector: string,
  transports: Transports,
  signal: AbortSignal,
): Promise<string[]> {
  const [, key = '', value = ''] = /^instance-tag:([^=]+)=(.*)$/s.exec(selector) ?? [];
  if (key === '') {
    const message = `${selector} is not a selector of instances; write instance-tag:KEY=VALUE`;
    throw new ActionFailure({ code: 'UNKNOWN_TARGET', message });
  }
  const Filters = [
    { Name: `tag:${key}`, Values: [value] },
    { Name: 'instance-state-name', Values: ['pending', 'running'] },
  ];
  const ids: string[] = [];
  for await (const page of pages('ec2', 'DescribeInstances', { Filters }, { aws: transports.aws, signal }))
    for (const reservation of objectsIn(page, 'Reservations'))
      ids.push(...objectsIn(reservation, 'Instances').map((instance) => textIn(instance, 'InstanceId')));
  const named = ids.filter((id) => id !== '');
  if (named.length === 0) {
    const message = `no instance that runs has the tag ${key} with the value ${value}`;
    throw new ActionFailure({ code: 'UNKNOWN_TARGET', message });
  }
  return transports.targets(named).map((host) => host);
}
