/** What one check of one compliance file came to. */
import type { Acknowledgement, Change, Finding, Look, RuleSet, Verdict } from '../../compliance/index.ts';

export interface CheckOutcome {
  readonly ruleSet: RuleSet;
  readonly checkId: number;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly verdict: Verdict;
  readonly isWhole: boolean;
  readonly looks: readonly Look[];
  readonly changes: readonly Change[];
  /** Open and unknown ones of the set, after the check. */
  readonly open: readonly Finding[];
  readonly acknowledgements: readonly Acknowledgement[];
  /** Sentences about what could not be reported elsewhere. */
  readonly reportTroubles: readonly string[];
}
