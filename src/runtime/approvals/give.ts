/** Makes the decision of a person who stands at this terminal, signed, and checks that it will count. */
import type { ApprovalPolicy } from '../../inventory/index.ts';
import type { ExecutionRow } from '../../journal/index.ts';
import type { JsonObject } from '../../json.ts';
import { Refusal } from '../refusal.ts';
import type { Configurations } from '../configuration.ts';
import type { Answer, AnswerOptions, Sign, SignedDecision } from './answer.ts';
import { waitOf } from './approval-judge.ts';
import { askAws, proveAsCaller, statementSha256, type AwsWord } from './aws-caller.ts';
import { allowedSignersOf, checkDecision, peopleOf, personOf, type WaitSaid } from './check-decision.ts';
import { withOwnKey } from './own-key.ts';
import { signText } from './ssh-signature.ts';
import { statementText } from './statement.ts';

/** What is to be decided, and by whom. */
export interface Asked {
  readonly policy: ApprovalPolicy;
  readonly wait: Omit<WaitSaid, 'separate' | 'startedBy'>;
  /** Lines of ssh-keygen, ALLOWED SIGNERS. */
  readonly signers: string;
}

const hint = 'nothing was recorded';

export interface SignPorts {
  readonly configurations: Configurations;
  readonly env: NodeJS.ProcessEnv;
  readonly now: () => number;
}

/** For the caller of `belay approve`. */
export function signer(
  row: ExecutionRow,
  answer: AnswerOptions,
  { configurations, env, now }: SignPorts,
): Sign {
  return async (at, waiting) => {
    const policy = policyOf(row, configurations);
    if (policy === null) throw noApprovers(at);
    const wait = waitOf(row, at, { ...waiting, wait: waiting.wait ?? '' });
    const asked = { policy, wait, signers: allowedSignersOf(policy, env) };
    const counted = async (approver: string, signed: JsonObject): Promise<SignedDecision> => {
      const value = { approver, decision: answer.decision, comment: answer.comment, ...signed };
      const verdict = await checkDecision(policy, wait, value, asked.signers);
      if (verdict.kind === 'good') return { value: { ...value, by: verdict.person }, person: verdict.person };
      throw new Refusal('refused', 'NOT_COUNTED', `this would not count: ${verdict.why}`, { hint });
    };
    if (answer.aws !== true)
      return signByKey(asked, answer, env, (approver, signature) => counted(approver, { signature }));
    const approver = await approverByAws(asked, now);
    const sha256 = statementSha256(textOf(asked, answer, approver));
    return counted(approver, { aws: await ownWord(asked, sha256, now) });
  };
}

/** Of the belay.yaml that the execution was started with, as it is now. Throws Refusal. */
export function policyOf(
  { settings }: ExecutionRow,
  configurations: Pick<Configurations, 'read'>,
): ApprovalPolicy | null {
  const { inventoryFile } = settings;
  return inventoryFile === null ? null : (configurations.read(inventoryFile).inventory?.approvals ?? null);
}

export function noApprovers(at: string): Refusal {
  const text = `${at} wants a signature, and belay.yaml names no approvers any more`;
  return new Refusal('refused', 'NO_APPROVERS', text, { hint });
}

/** Signs with a key of the caller's as the first approver who has it. Throws Refusal. */
export function signByKey<T>(
  { policy, wait, signers }: Asked,
  answer: Answer & { readonly key?: string },
  env: NodeJS.ProcessEnv,
  use: (approver: string, signature: string) => Promise<T>,
): Promise<T> {
  return withOwnKey(answer.key, signers, env, async ({ file, people }) => {
    const approver = wait.approvers.find((entry) =>
      peopleOf(policy, entry, signers).some((name) => people.includes(name)),
    );
    if (approver === undefined) throw notAmong(people.join(', '), wait);
    const text = textOf({ policy, wait, signers }, answer, approver);
    return use(approver, await signText(text, file, env));
  });
}

/** As which approver this environment acts: AWS is asked once, over nothing. Throws Refusal. */
export async function approverByAws(asked: Asked, now: () => number): Promise<string> {
  const { policy, wait, signers } = asked;
  const { arn } = (await ownWord(asked, statementSha256(''), now)).answer;
  const approver = wait.approvers.find(
    (entry) => personOf(policy, peopleOf(policy, entry, signers), arn) !== undefined,
  );
  if (approver === undefined) throw notAmong(arn, wait);
  return approver;
}

/** What AWS says of the caller to the digest. Throws Refusal. */
async function ownWord(
  { policy: { stsEndpoint } }: Asked,
  sha256: string,
  now: () => number,
): Promise<AwsWord> {
  const asked = await askAws(await proveAsCaller(sha256, stsEndpoint), sha256, stsEndpoint, now());
  if (asked.kind === 'known') return asked.word;
  throw new Refusal('refused', 'NO_IDENTITY', `AWS does not say who you are: ${asked.why}`, { hint });
}

/** What is signed. */
export function textOf({ wait }: Asked, { decision, comment }: Answer, approver: string): string {
  return statementText({ ...wait, approver, decision, comment });
}

function notAmong(who: string, { step, approvers }: Asked['wait']): Refusal {
  const text = `${who} is not among the approvers of ${step}: ${approvers.join(', ')}`;
  return new Refusal('refused', 'NOT_AN_APPROVER', text, { hint });
}
