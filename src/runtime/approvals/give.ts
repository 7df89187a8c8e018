/** Makes the decision of a person who stands at this terminal, signed, and checks that it will count. */
import type { ApprovalPolicy } from '../../inventory/index.ts';
import type { ExecutionRow } from '../../journal/index.ts';
import { Refusal } from '../refusal.ts';
import { readConfiguration } from '../configuration.ts';
import type { Answer, ApprovalWait, Sign, SignedDecision } from './answer.ts';
import { waitOf } from './approval-judge.ts';
import { allowedSignersOf, checkDecision, peopleOf } from './check-decision.ts';
import { withOwnKey } from './own-key.ts';
import { signText } from './ssh-signature.ts';
import { statementText } from './statement.ts';

/** For the caller of `belay approve`. */
export function signer(
  row: ExecutionRow,
  answer: Answer & { readonly key?: string },
  env: NodeJS.ProcessEnv,
): Sign {
  return (at, waiting) => {
    const { inventoryFile } = row.settings;
    const inventory = inventoryFile === null ? null : readConfiguration(inventoryFile, env).inventory;
    return signedDecision(row, inventory?.approvals ?? null, at, waiting, answer, env);
  };
}

/** Throws Refusal; nothing is recorded then. */
async function signedDecision(
  row: ExecutionRow,
  policy: ApprovalPolicy | null,
  at: string,
  waiting: ApprovalWait,
  answer: Answer & { readonly key?: string },
  env: NodeJS.ProcessEnv,
): Promise<SignedDecision> {
  const hint = 'nothing was recorded';
  if (policy === null) {
    throw new Refusal(
      'refused',
      'NO_APPROVERS',
      `${at} wants a signature, and belay.yaml names no approvers any more`,
      {
        hint,
      },
    );
  }
  const allowedSigners = allowedSignersOf(policy, env);
  return withOwnKey(answer.key, allowedSigners, env, async ({ file, people }) => {
    const approver = waiting.approvers.find((entry) =>
      peopleOf(policy, entry, allowedSigners).some((name) => people.includes(name)),
    );
    if (approver === undefined) {
      const text = `${people.join(', ')} is not among the approvers of ${at}: ${waiting.approvers.join(', ')}`;
      throw new Refusal('refused', 'NOT_AN_APPROVER', text, { hint });
    }
    const { decision, comment } = answer;
    const wait = waitOf(row, at, { ...waiting, wait: waiting.wait ?? '' });
    const signature = await signText(statementText({ ...wait, approver, decision, comment }), file, env);
    const value = { approver, decision, comment, signature };
    const verdict = await checkDecision(policy, wait, value, env);
    if (verdict.kind === 'bad')
      throw new Refusal('refused', 'NOT_COUNTED', `this would not count: ${verdict.why}`, { hint });
    return { value: { ...value, by: verdict.person }, person: verdict.person };
  });
}
