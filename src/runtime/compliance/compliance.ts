/** What people ask of compliance: checks, findings, acknowledgements. One object per command. Throws Refusal. */
import { findConfiguration } from '../configuration.ts';
import { newExecutionId } from '../execution-id.ts';
import { channelsOf, unknownOf } from '../notify/known-channels.ts';
import type { Notifier } from '../notify/notifier.ts';
import { openTransports } from '../transports.ts';
import { Refusal } from '../refusal.ts';
import { anchored, type SecretSources } from '../secrets/references.ts';
import {
  accountTarget,
  acknowledgementOf,
  type Acknowledgement,
  type Finding,
  type RuleSet,
} from '../../compliance/index.ts';
import {
  openComplianceStore,
  type CheckRow,
  type ComplianceStore,
  type FindingFilter,
} from '../../journal/index.ts';
import { createAws } from '../../transports/aws/client.ts';
import { handOver } from './hand-over.ts';
import { untilOf } from './instants.ts';
import type { CheckOutcome } from './outcome.ts';
import { mend, type MendPorts } from './mend.ts';
import { retireGone } from './retire-gone.ts';
import { runCheck, type CheckOptions } from './run-check.ts';

export interface ComplianceOptions {
  readonly stateDir: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly user: string;
  readonly now: () => number;
  /** Who tells people; undefined: nobody does. */
  readonly notifier?: Notifier | undefined;
}

export interface CheckRequest {
  /** Absolute, of which these are all the files. */
  readonly folder?: string;
  readonly rules?: readonly string[];
  readonly limit?: readonly string[];
  readonly signal: AbortSignal;
  readonly onProgress?: (set: string, done: number, all: number) => void;
  /** Runs the remedies that rules allow; the outcome is that of a check after them. */
  readonly mend?: Pick<MendPorts, 'belay' | 'standing'>;
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
    const configuration = findConfiguration(cwd, env);
    const { inventory } = configuration;
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
    refuseSharedTypes(sets);
    for (const { name, channels: named } of sets) {
      const [unknown] = unknownOf(named, channelsOf(configuration));
      if (unknown !== undefined)
        throw new Refusal('usage', 'UNKNOWN_CHANNEL', `${name}: ${unknown.message}`, { hint: unknown.hint });
    }
    const channels = new Map(ruleSets.map((each) => [each.name, each.channels]));
    // What an earlier process found and did not live to tell.
    this.#tell(channels);
    const transports = await openTransports({
      sandbox: false,
      inventory,
      stateDir,
      executionId: 'check',
      now,
    });
    const secretSources: SecretSources = {
      env,
      stdin: () => Promise.resolve(''),
      aws: () => Promise.resolve(createAws()),
    };
    try {
      const isAll = request.rules === undefined && request.limit === undefined;
      const gone = isAll
        ? await retireGone(
            { folder: request.folder, sets: ruleSets },
            { stateDir, store: this.store, now, aws: transports.aws, signal: request.signal },
          )
        : { files: [], troubles: [] };
      const outcomes: CheckOutcome[] = [];
      for (const ruleSet of sets) {
        const anchoredSet = withAnchoredSecrets(ruleSet, cwd);
        const { rules, limit, signal, onProgress, mend: hands } = request;
        const look = (only: Pick<CheckOptions, 'rules' | 'limit'>): Promise<CheckOutcome> =>
          runCheck(anchoredSet, {
            stateDir,
            store: this.store,
            transports,
            signal,
            now,
            secretSources,
            ...only,
            ...(onProgress === undefined
              ? {}
              : { onProgress: (done, all) => onProgress(ruleSet.name, done, all) }),
          });
        const part = {
          ...(rules === undefined ? {} : { rules }),
          ...(limit === undefined ? {} : { limit }),
        };
        const outcome = await look(part);
        const mended =
          hands === undefined
            ? []
            : await mend(outcome, {
                ...hands,
                stateDir,
                newExecutionId: () => newExecutionId(now()),
                lookAgain: async ({ name }, target) => {
                  const limited = target === accountTarget ? {} : { limit: [target] };
                  return (await look({ rules: [name], ...limited })).looks;
                },
              });
        const isChanged = mended.some(({ result }) => result !== 'waits' && result !== 'withdrawn');
        outcomes.push({ ...(isChanged ? await look(part) : outcome), mended });
      }
      this.#tell(channels);
      const [first, ...others] = outcomes;
      return first === undefined
        ? outcomes
        : [
            { ...first, gone: gone.files, reportTroubles: [...gone.troubles, ...first.reportTroubles] },
            ...others,
          ];
    } finally {
      await transports.close();
    }
  }

  #tell(channels: ReadonlyMap<string, readonly string[]>): void {
    const { notifier, now } = this.#options;
    if (notifier !== undefined) handOver(this.store, notifier, channels, now);
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

  /** Ends the acknowledgements that were given in these very words; how many. */
  unacknowledge(about: { rule: string; target: string; subject: string }): number {
    const at = this.#options.now();
    const given = this.store
      .acknowledgements()
      .filter(
        ({ rule, target, subject, until }) =>
          rule === about.rule && target === about.target && subject === about.subject && until > at,
      );
    return given.filter(({ id }) => this.store.unacknowledge(id, at)).length;
  }

  close(): void {
    this.#store?.close();
  }
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

/** An upload replaces all items of its type, so two files would take each other's away. */
function refuseSharedTypes(sets: readonly RuleSet[]): void {
  const owners = new Map<string, string>();
  for (const { name, report } of sets) {
    if (report.ssmType === undefined) continue;
    const owner = owners.get(report.ssmType);
    owners.set(report.ssmType, name);
    if (owner === undefined) continue;
    const message = `${owner} and ${name} both report to SSM as ${report.ssmType}, and each would replace what the other said`;
    throw new Refusal('usage', 'SHARED_COMPLIANCE_TYPE', message, {
      hint: 'Give each its own SsmComplianceType.',
    });
  }
}

function unknownRule(wanted: readonly string[], ruleSets: readonly RuleSet[]): Refusal {
  const known = ruleSets.flatMap(({ rules }) => rules.map(({ name }) => name));
  const missing = wanted.filter((name) => !known.includes(name));
  return new Refusal('usage', 'UNKNOWN_RULE', `there is no rule ${missing.join(', ')}`, {
    hint: `there are ${known.slice(0, 20).join(', ')}${known.length > 20 ? ' and more' : ''}`,
  });
}
