/** What people ask of compliance: checks, findings, acknowledgements. One object per command. Throws Refusal. */
import { findConfiguration } from '../configuration.ts';
import { openPlace } from '../places.ts';
import { Refusal } from '../refusal.ts';
import { anchored, type SecretSources } from '../secrets/references.ts';
import {
  acknowledgementOf,
  type Acknowledgement,
  type Finding,
  type RuleSet,
} from '../../compliance/index.ts';
import { parseDurationMs } from '../../document/index.ts';
import {
  openComplianceStore,
  type CheckRow,
  type ComplianceStore,
  type FindingFilter,
} from '../../journal/index.ts';
import { createAws } from '../../transports/aws/client.ts';
import { runCheck, type CheckOutcome } from './run-check.ts';

export interface ComplianceOptions {
  readonly stateDir: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly user: string;
  readonly now: () => number;
}

export interface CheckRequest {
  readonly rules?: readonly string[];
  readonly limit?: readonly string[];
  readonly signal: AbortSignal;
  readonly onProgress?: (set: string, done: number, all: number) => void;
}

export class Compliance {
  readonly #options: ComplianceOptions;
  #store: ComplianceStore | undefined;

  constructor(options: ComplianceOptions) {
    this.#options = options;
  }

  get store(): ComplianceStore {
    this.#store ??= openComplianceStore(this.#options.stateDir);
    return this.#store;
  }

  /** Set after set; each has the whole machine's attention. */
  async check(ruleSets: readonly RuleSet[], request: CheckRequest): Promise<CheckOutcome[]> {
    const { stateDir, cwd, env, now } = this.#options;
    const { inventory } = findConfiguration(cwd, env);
    const wanted = request.rules;
    const sets =
      wanted === undefined
        ? ruleSets
        : ruleSets.filter(({ rules }) => rules.some(({ name }) => wanted.includes(name)));
    if (
      sets.length === 0 ||
      wanted?.some((name) => !sets.some(({ rules }) => rules.some((rule) => rule.name === name)))
    )
      throw unknownRule(wanted ?? [], ruleSets);
    const place = await openPlace({ sandbox: false, inventory, stateDir, executionId: 'check' });
    const secretSources: SecretSources = {
      env,
      stdin: () => Promise.resolve(''),
      aws: () => Promise.resolve(createAws()),
    };
    try {
      const outcomes: CheckOutcome[] = [];
      for (const ruleSet of sets) {
        const { rules, limit, signal, onProgress } = request;
        outcomes.push(
          await runCheck(withAnchoredSecrets(ruleSet, cwd), {
            stateDir,
            store: this.store,
            place,
            signal,
            now,
            secretSources,
            ...(rules === undefined ? {} : { rules }),
            ...(limit === undefined ? {} : { limit }),
            ...(onProgress === undefined
              ? {}
              : { onProgress: (done, all) => onProgress(ruleSet.name, done, all) }),
          }),
        );
      }
      return outcomes;
    } finally {
      await place.close();
    }
  }

  findings(
    filter: FindingFilter,
  ): { readonly finding: Finding; readonly acknowledgement: Acknowledgement | null }[] {
    const acknowledgements = this.store.acknowledgements();
    const now = this.#options.now();
    return this.store.findings(filter).map((finding) => ({
      finding,
      acknowledgement: acknowledgementOf(finding, acknowledgements, now) ?? null,
    }));
  }

  checks(set: string | undefined, countMax: number): CheckRow[] {
    return this.store.checks(set, countMax);
  }

  /** The findings of a rule, of one target and one subject where they are given. */
  acknowledge(
    about: { rule: string; target: string; subject: string },
    why: string,
    until: string,
  ): Acknowledgement {
    const at = this.#options.now();
    return this.store.acknowledge({ ...about, by: this.#options.user, why, at, until: untilOf(until, at) });
  }

  close(): void {
    this.#store?.close();
  }
}

/** The longest that an acknowledgement lasts; a year later somebody else may have to know. */
const acknowledgedMsMax = 366 * 24 * 3_600_000;

/** An instant, a date (its end, UTC), an ISO 8601 duration, or `14d`. Throws Refusal. */
export function untilOf(text: string, now: number): number {
  const [, count, unit] = /^(\d{1,4})([mhdw])$/.exec(text) ?? [];
  const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };
  const duration =
    count === undefined ? parseDurationMs(text) : Number(count) * unitMs[unit as keyof typeof unitMs];
  const at =
    duration !== undefined
      ? now + duration
      : /^\d{4}-\d\d-\d\d$/.test(text)
        ? Date.parse(`${text}T23:59:59Z`)
        : /(Z|[+-]\d\d:?\d\d)$/i.test(text)
          ? Date.parse(text)
          : NaN;
  const hint = 'for example 14d, PT8H, 2026-12-24 or 2026-12-24T06:00:00Z';
  if (Number.isNaN(at)) throw new Refusal('usage', 'BAD_INSTANT', `${text} is no time`, { hint });
  if (at <= now) throw new Refusal('usage', 'BAD_INSTANT', `${text} is over already`, { hint });
  if (at - now > acknowledgedMsMax)
    throw new Refusal(
      'usage',
      'BAD_INSTANT',
      `${text} is more than a year away; acknowledge it for at most a year`,
      { hint },
    );
  return at;
}

function withAnchoredSecrets(ruleSet: RuleSet, cwd: string): RuleSet {
  const rules = ruleSet.rules.map((rule) => ({
    ...rule,
    secrets: Object.fromEntries(
      Object.entries(rule.secrets).map(([name, reference]) => [name, anchored(reference, cwd)]),
    ),
  }));
  return { ...ruleSet, rules };
}

function unknownRule(wanted: readonly string[], ruleSets: readonly RuleSet[]): Refusal {
  const known = ruleSets.flatMap(({ rules }) => rules.map(({ name }) => name));
  const missing = wanted.filter((name) => !known.includes(name));
  return new Refusal('usage', 'UNKNOWN_RULE', `there is no rule ${missing.join(', ')}`, {
    hint: `there are ${known.slice(0, 20).join(', ')}${known.length > 20 ? ' and more' : ''}`,
  });
}
