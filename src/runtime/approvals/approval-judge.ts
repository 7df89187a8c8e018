/** Judges, while an execution runs, what its inbox holds for a step that waits for approval. */
import type { DecisionAnswer, InputOf } from '../../engine/index.ts';
import type { ApprovalPolicy } from '../../inventory/index.ts';
import type { ExecutionRow } from '../../journal/index.ts';
import { checkDecision, type WaitSaid } from './check-decision.ts';
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
      const verdict = await checkDecision(policy, waitOf(row, step, wait), said, env);
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
  }: { readonly wait: string; readonly message: string; readonly approvers: readonly string[] },
): WaitSaid {
  const { startedFor } = row.settings;
  return {
    executionId: row.id,
    runbook: row.runbook,
    step,
    wait,
    message,
    approvers,
    programSha256: row.sha256,
    parametersSha256: parametersSha256(row.input.parameters),
    startedBy: [row.settings.startedBy, ...(startedFor === undefined ? [] : [startedFor])],
  };
}
