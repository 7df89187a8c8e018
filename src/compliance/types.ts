/**
 * The words of the room. A *rule* says what must hold of targets; a *look* is what one rule saw of one target in one check;
 * a *finding* is what the memory keeps of something that does not hold, or of which nobody knows whether it holds.
 */
import type { JsonObject } from '../json.ts';

/** As SSM compliance spells them. */
export const severities = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFORMATIONAL'] as const;
export type Severity = (typeof severities)[number];

/** What was seen of one subject: a package, a port, a volume. */
export type Judged =
  | { readonly kind: 'kept'; readonly subject: string; readonly found: string }
  | { readonly kind: 'broken'; readonly subject: string; readonly wanted: string; readonly found: string }
  /** Nobody knows: never taken for kept. An empty subject means the whole target. */
  | { readonly kind: 'unknown'; readonly subject: string; readonly code: string; readonly reason: string };

export interface Look {
  readonly rule: string;
  /** A host, or `account` for what belongs to no host. */
  readonly target: string;
  readonly judged: readonly Judged[];
  /** Whether a subject that is not among `judged` is known to be gone. Otherwise it may only have been missing from a listing. */
  readonly isWhole: boolean;
}

/** The target of rules that look at the AWS account or at a cluster. */
export const accountTarget = 'account';

export interface RuleSet {
  readonly name: string;
  /** The absolute path of its file; undefined: it has none. */
  readonly file?: string;
  readonly description?: string;
  readonly rules: readonly Rule[];
  readonly report: ReportTo;
  /** Channels of belay.yaml that are told, beside those that are told of everything. */
  readonly channels: readonly string[];
}

export interface Rule {
  readonly name: string;
  readonly severity: Severity;
  /** `check:service`. */
  readonly check: string;
  readonly inputs: JsonObject;
  /** Selectors of hosts; empty for rules that look at the account. */
  readonly targets: readonly string[];
  /** References by the name of the input: never values. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Why the rule is there, for whoever reads a finding. */
  readonly why?: string;
  readonly remedy?: Remedy;
}

/** What mends a finding of the rule. */
export interface Remedy {
  /** As resolved from the file's folder. */
  readonly runbook: string;
  /** May hold `{{ TARGET }}`, `{{ SUBJECT }}`, `{{ WANTED }}`, `{{ FOUND }}` and `{{ RULE }}`. */
  readonly parameters: JsonObject;
  readonly mode: RemedyMode;
  /** At most so many targets in one check; with `approve`, so many that wait or run at the same time. */
  readonly targetsMax: number;
  /** Of mode `approve`: who may say yes, as aws:approve names them; otherwise empty. */
  readonly approvers: readonly string[];
  readonly approvalsNeeded: number;
}
/** `automatic`: `belay check --mend` runs it. `approve`: that asks for an approval, and what was approved runs. */
export const remedyModes = ['propose', 'approve', 'automatic'] as const;
export type RemedyMode = (typeof remedyModes)[number];

/** Where the results of a check go besides the memory. */
export interface ReportTo {
  /** SSM compliance items of the hosts that are managed nodes, under `Custom:NAME`. */
  readonly ssmType?: string;
  /** CloudWatch metrics under this namespace. */
  readonly metricNamespace?: string;
}

/** `fixed` was seen to hold again; `retired` is no longer checked, or not there any more, and nobody says that it holds. */
export type FindingStatus = 'open' | 'unknown' | 'fixed' | 'retired';

/** Names a finding: the same violation at the same place has the same key in every check. */
export interface FindingKey {
  readonly set: string;
  readonly rule: string;
  readonly target: string;
  readonly subject: string;
}

export interface Finding extends FindingKey {
  readonly severity: Severity;
  readonly status: FindingStatus;
  /** Of the last time that it was seen not to hold; empty where it never was. */
  readonly wanted: string;
  readonly found: string;
  /** Why it is not known at present; empty where it is. An open finding that cannot be looked at stays open. */
  readonly code: string;
  /** The same in words. Of one that is retired although it was checked: that it is not there any more. */
  readonly reason: string;
  /** Ms since 1970. */
  readonly firstSeenAt: number;
  /** The last check that met it, or could not tell. */
  readonly lastSeenAt: number;
  /** When it was fixed or retired; null: it is not. */
  readonly closedAt: number | null;
  /** Checks in a row whose listing did not have it. */
  readonly missedTimes: number;
  /** It is not known because nothing of its target could be looked at by the rule: told for the target, and not for each finding. */
  readonly isOfTarget: boolean;
  /** Whether somebody was told of it, so that its end is told as well. */
  readonly isTold: boolean;
}

/** Somebody knows of findings and keeps them quiet until a stated time. `*` stands for every one. */
export interface Acknowledgement {
  readonly id: number;
  readonly rule: string;
  readonly target: string;
  readonly subject: string;
  readonly by: string;
  readonly why: string;
  readonly at: number;
  readonly until: number;
}

export const changeKinds = ['new', 'still', 'fixed', 'unknown', 'known', 'retired'] as const;
/** Since the last check. `known`: it was unknown and has been seen again, as what its status says. */
export type ChangeKind = (typeof changeKinds)[number];

export interface Change {
  readonly kind: ChangeKind;
  readonly finding: Finding;
  /** Whether somebody is to be told. */
  readonly isLoud: boolean;
  /** That its target could not be looked at, or can be again. */
  readonly isOfTarget: boolean;
  /** Who keeps it quiet; null: nobody. */
  readonly acknowledgement: Acknowledgement | null;
  /** Somebody kept it quiet until a time that came since the check before. */
  readonly isAcknowledgedNoMore: boolean;
}
