/** What one check of one compliance file came to. */
import type { Acknowledgement, Change, Finding, Look, RuleSet, Verdict } from '../../compliance/index.ts';

export interface Mended {
  readonly rule: string;
  readonly target: string;
  readonly executionId: string;
  /**
   * `mended`: looked at again, it holds. `takenBack`: it did not hold, and the runbook was rolled back. `failed`: the runbook failed, and
   * climbed down by its own policy. `notTakenBack`: hands are needed. Of those that ask first: `waits` for its approval, `refused` by an
   * approver or a lock, `withdrawn` because there is nothing to mend any more.
   */
  readonly result: 'mended' | 'takenBack' | 'failed' | 'notTakenBack' | 'waits' | 'refused' | 'withdrawn';
}

export interface GoneFile {
  readonly set: string;
  readonly file: string;
  /** How many findings were open. */
  readonly retired: number;
}

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
  /** Files that are gone from the folder of this one, with how many open findings were retired with each. */
  readonly gone?: readonly GoneFile[];
  /** Another file that was checked under the same name, and is still there. */
  readonly alsoIn?: string;
  /** Remedies that ran before it; the check that found what they mend came before them. */
  readonly mended?: readonly Mended[];
}
