/** Asks: hosts side by side within bounds, each once for all of its rules; then what belongs to no host. */
import { setTimeout as delay } from 'node:timers/promises';
import { askHost, checks, newMemory, type ActionContext } from '../../actions/index.ts';
import { accountTarget, type Judged, type Look, type Rule } from '../../compliance/index.ts';
import type { JsonObject } from '../../json.ts';
import type { Transports } from '../transports.ts';
import type { Scope } from './scope.ts';

export interface LookOptions {
  readonly transports: Transports;
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** The values of a rule's secrets by input, or why they cannot be read. */
  readonly secrets: (rule: Rule) => Promise<Readonly<Record<string, string>> | { readonly trouble: string }>;
  readonly onProgress: (done: number, all: number) => void;
}

/** How many hosts are asked at the same time, and how many rules of the account. */
export const hostsAtOnceMax = 24;
const accountRulesAtOnceMax = 4;
/** How often one rule of the account is asked again; each has its own time limit before. */
const roundsMax = 10_000;

/** In the order of the rules, and for each in that of its targets. Throws only on a cancel and for bugs. */
export async function lookAll(rules: readonly Rule[], scope: Scope, options: LookOptions): Promise<Look[]> {
  const looks: Look[] = [...scope.unknown];
  const all = scope.hosts.size + scope.account.length;
  let finished = 0;
  const told = <T>(value: T): T => {
    options.onProgress((finished += 1), all);
    return value;
  };
  await sideBySide([...scope.hosts], hostsAtOnceMax, async ([host, ofHost]) => {
    looks.push(...told(await lookAtHost(host, ofHost, options)));
  });
  await sideBySide(scope.account, accountRulesAtOnceMax, async (rule) => {
    looks.push(told(await lookAtAccount(rule, options)));
  });
  const order = new Map(rules.map(({ name }, index) => [name, index]));
  const hosts = new Map([...scope.hosts.keys()].map((host, index) => [host, index]));
  return looks.toSorted(
    (left, right) =>
      (order.get(left.rule) ?? 0) - (order.get(right.rule) ?? 0) ||
      (hosts.get(left.target) ?? 0) - (hosts.get(right.target) ?? 0),
  );
}

async function lookAtHost(
  host: string,
  rules: readonly Rule[],
  { transports, signal, now }: LookOptions,
): Promise<Look[]> {
  const questions = rules.flatMap((rule) => {
    const check = checks.get(rule.check);
    return check?.scope === 'hosts' ? [{ rule, check, inputs: rule.inputs }] : [];
  });
  const seen = await askHost(host, questions, {
    host: (name) => transports.host(name),
    targets: (selectors) => transports.targets(selectors),
    signal,
    now,
  });
  return questions.map(({ rule }, index) => look(rule, host, seen[index] ?? [], true));
}

async function lookAtAccount(rule: Rule, options: LookOptions): Promise<Look> {
  const check = checks.get(rule.check);
  const secrets = await options.secrets(rule);
  if ('trouble' in secrets && typeof secrets.trouble === 'string') {
    const judged = [
      { kind: 'unknown', subject: '', code: 'MISSING_SECRET', reason: secrets.trouble },
    ] as const;
    return look(rule, accountTarget, judged, false);
  }
  if (check?.scope !== 'account') return look(rule, accountTarget, [], false);
  const inputs: JsonObject = { ...rule.inputs, ...secrets };
  const context = contextOf(rule, options);
  for (let rounds = 0; rounds < roundsMax; rounds += 1) {
    const seen = await check.look(inputs, context);
    if (!('kind' in seen)) return look(rule, accountTarget, seen.judged, seen.isWhole);
    await delay(seen.afterMs, undefined, { signal: options.signal });
  }
  const reason = 'it did not come to an end';
  return look(rule, accountTarget, [{ kind: 'unknown', subject: '', code: 'TIMED_OUT', reason }], false);
}

/** Nothing judged is not compliant, and two words on one subject count as the worse. */
function look({ name: rule }: Rule, target: string, seen: readonly Judged[], isWhole: boolean): Look {
  if (seen.length === 0) {
    const reason = 'nothing was there to be judged';
    return {
      rule,
      target,
      judged: [{ kind: 'unknown', subject: '', code: 'NOTHING_JUDGED', reason }],
      isWhole: false,
    };
  }
  const weight = { broken: 2, unknown: 1, kept: 0 } as const;
  const bySubject = new Map<string, Judged>();
  for (const judged of seen) {
    const known = bySubject.get(judged.subject);
    if (known === undefined || weight[judged.kind] > weight[known.kind])
      bySubject.set(judged.subject, judged);
  }
  return { rule, target, judged: [...bySubject.values()], isWhole };
}

function contextOf(rule: Rule, { transports, signal, now }: LookOptions): ActionContext {
  return {
    executionId: 'check',
    step: rule.name,
    token: 'check',
    signal,
    aws: transports.aws,
    models: transports.models,
    fetch: transports.fetch,
    host: (name) => transports.host(name),
    targets: (selectors) => transports.targets(selectors),
    log: () => ({ write: () => undefined }),
    notice: () => undefined,
    now,
    startedAt: now(),
    kept: newMemory(),
    held: newMemory(),
    isSecret: () => false,
  };
}

async function sideBySide<T>(
  items: readonly T[],
  atOnceMax: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = [...items];
  const lane = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnceMax, items.length) }, lane));
}
