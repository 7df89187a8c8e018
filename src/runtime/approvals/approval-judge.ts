/** Judges, while an execution runs, what its inbox holds for a step that waits for approval. */
import type { DecisionAnswer, InputOf } from '../../engine/index.ts';
import type { ApprovalPolicy } from '../../inventory/index.ts';
import type { ExecutionRow } from '../../journal/index.ts';
import { allowedSignersOf, checkDecision, type WaitSaid } from './check-decision.ts';
import { maskPlaceholders } from '../secrets/placeholder.ts';
import { startersOf } from './starter.ts';
import { parametersSha256 } from './statement.ts';

export interface ApprovalJudge {
  /** Throws Refusal where nothing can be checked. */
  judge(step: string, input: InputOf['decision']): Promise<DecisionAnswer>;
}

export function approvalJudge(
  row: ExecutionRow,
  policy: ApprovalPolicy | null,
  env: NodeJS.ProcessEnv,
): ApprovalJudge {
  return {
    judge: async (step, { said, ...wait }) => {
      if (policy === null) return { kind: 'refused', why: 'belay.yaml names no approvers any more' };
      const signers = allowedSignersOf(policy, env);
      const verdict = await checkDecision(policy, waitOf(row, step, wait), said, signers);
      return verdict.kind === 'good'
        ? { kind: 'counts', person: verdict.person, key: verdict.key }
        : { kind: 'refused', why: verdict.why };
    },
  };
}

export function waitOf(
  row: ExecutionRow,
  step: string,
  {
    wait,
    message,
    approvers,
    separate,
  }: {
    readonly wait: string;
    readonly message: string;
    readonly approvers: readonly string[];
    readonly separate?: true;
  },
): WaitSaid {
  return {
    executionId: row.id,
    runbook: row.runbook,
    step,
    wait,
    // As it is shown: a secret in it is not known to whoever signs.
    message: maskPlaceholders(message),
    approvers,
    programSha256: row.sha256,
    parametersSha256: parametersSha256(row.input.parameters),
    separate: separate === true,
    startedBy: startersOf(row),
  };
}
