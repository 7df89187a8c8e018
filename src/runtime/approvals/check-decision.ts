/** Whether a decision counts: the rules of belay.yaml, asked when it is given and again when it is taken. */
import { isJsonObject, type Json } from '../../json.ts';
import type { ApprovalPolicy } from '../../inventory/index.ts';
import { readText } from '../read-text.ts';
import { isIdentity, readAwsWord, statementSha256, type AwsWord } from './aws-caller.ts';
import { verifySignature, type Verdict } from './ssh-signature.ts';
import { statementText, type Statement } from './statement.ts';

/** What is the same for every decision of one wait. */
export type WaitSaid = Omit<Statement, 'approver' | 'decision' | 'comment'> & {
  readonly approvers: readonly string[];
  /** By the step's own word; belay.yaml may say so, too. */
  readonly separate: boolean;
  /** The operating-system user, the one behind sudo, and the one who had logged in. */
  readonly startedBy: readonly string[];
};

/** The names whose signatures count for an entry of Approvers. */
export function peopleOf(policy: ApprovalPolicy, entry: string, allowedSigners: string): readonly string[] {
  const members = policy.groups.get(entry);
  if (members !== undefined) return members;
  if (entry.startsWith('arn:'))
    return [...policy.people.values()].filter(({ arns }) => arns.includes(entry)).map(({ name }) => name);
  return policy.people.has(entry) || isPrincipal(entry, allowedSigners) ? [entry] : [];
}

/** Of the people of an entry, the one whom this AWS identity is. */
export function personOf(policy: ApprovalPolicy, people: readonly string[], arn: string): string | undefined {
  return people.find((name) => policy.people.get(name)?.arns.some((own) => isIdentity(own, arn)) === true);
}

/** Lines for ssh-keygen: the people of belay.yaml for approvals only, and the file of signers as it is. Throws Refusal. */
export function allowedSignersOf(policy: ApprovalPolicy, env: NodeJS.ProcessEnv): string {
  const own = [...policy.people.values()].flatMap(({ name, keys }) =>
    keys.map((key) => `${name} namespaces="belay-approval" ${key}`),
  );
  const file = policy.allowedSigners === null ? '' : readText(policy.allowedSigners, { env }).text;
  return `${own.join('\n')}\n${file}`;
}

/**
 * What an AWS identity has said is judged by the answer that AWS gave when it was given: a proof lives for 15 minutes.
 * `allowedSigners`: of `allowedSignersOf`. Throws Refusal where ssh-keygen is missing.
 */
export async function checkDecision(
  policy: ApprovalPolicy,
  wait: WaitSaid,
  decision: Json,
  allowedSigners: string,
): Promise<Verdict> {
  const said = isJsonObject(decision) ? decision : {};
  const { approver, comment, signature } = said;
  const word = readAwsWord(said['aws']);
  if (typeof approver !== 'string' || !wait.approvers.includes(approver)) return bad('it names no approver');
  if (word === undefined && typeof signature !== 'string')
    return bad('it is not signed, and belay.yaml asks for signatures');
  const kind = said['decision'];
  if (kind !== 'approve' && kind !== 'reject') return bad('it is neither a yes nor a no');
  const people = peopleOf(policy, approver, allowedSigners);
  if (people.length === 0) return bad(`belay.yaml has no approver ${approver}`);
  const text = statementText({
    ...wait,
    approver,
    decision: kind,
    comment: typeof comment === 'string' ? comment : '',
  });
  const verdict =
    typeof signature === 'string'
      ? await verifySignature(text, signature, people, allowedSigners)
      : byAws(policy, people, text, word);
  if (verdict.kind === 'bad') return verdict;
  if ((policy.separate || wait.separate) && isStarter(policy, verdict.person, wait.startedBy)) {
    const where = policy.separate ? 'approvals.separate of belay.yaml' : 'Separate of the step';
    return bad(`${verdict.person} started the execution, and ${where} wants somebody else`);
  }
  return verdict;
}

function byAws(
  policy: ApprovalPolicy,
  people: readonly string[],
  text: string,
  word: AwsWord | undefined,
): Verdict {
  if (word?.sha256 !== statementSha256(text)) return bad('what AWS was asked is not over this decision');
  const { arn } = word.answer;
  const person = personOf(policy, people, arn);
  return person === undefined ? bad(`AWS says that it is ${arn}`) : { kind: 'good', person, key: arn };
}

function isStarter(policy: ApprovalPolicy, person: string, startedBy: readonly string[]): boolean {
  const users = policy.people.get(person)?.users ?? [person];
  return users.some((user) => startedBy.includes(user));
}

/** Principals of a line are its first word, with commas between; patterns are none of our people. */
function isPrincipal(name: string, allowedSigners: string): boolean {
  return allowedSigners
    .split('\n')
    .some((line) => !line.startsWith('#') && (line.split(/\s/)[0] ?? '').split(',').includes(name));
}

function bad(why: string): Verdict {
  return { kind: 'bad', why };
}
