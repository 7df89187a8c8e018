/** Whether a decision counts: the rules of belay.yaml, asked when it is given and again when it is taken. */
import { isJsonObject, type Json } from '../../json.ts';
import type { ApprovalPolicy } from '../../inventory/index.ts';
import { readText } from '../read-text.ts';
import { verifySignature, type Verdict } from './ssh-signature.ts';
import { statementText, type Statement } from './statement.ts';

/** What is the same for every decision of one wait. */
export type WaitSaid = Omit<Statement, 'approver' | 'decision' | 'comment'> & {
  readonly approvers: readonly string[];
  /** The operating-system user, and the one behind sudo. */
  readonly startedBy: readonly string[];
};

/** The names whose signatures count for an entry of Approvers. */
export function peopleOf(policy: ApprovalPolicy, entry: string, allowedSigners: string): readonly string[] {
  const members = policy.groups.get(entry);
  if (members !== undefined) return members;
  return policy.people.has(entry) || isPrincipal(entry, allowedSigners) ? [entry] : [];
}

/** Lines for ssh-keygen: the people of belay.yaml for approvals only, and the file of signers as it is. Throws Refusal. */
export function allowedSignersOf(policy: ApprovalPolicy, env: NodeJS.ProcessEnv): string {
  const own = [...policy.people.values()].flatMap(({ name, keys }) =>
    keys.map((key) => `${name} namespaces="belay-approval" ${key}`),
  );
  const file = policy.allowedSigners === null ? '' : readText(policy.allowedSigners, { env }).text;
  return `${own.join('\n')}\n${file}`;
}

/** Throws Refusal where the signers cannot be read or ssh-keygen is missing. */
export async function checkDecision(
  policy: ApprovalPolicy,
  wait: WaitSaid,
  decision: Json,
  env: NodeJS.ProcessEnv,
): Promise<Verdict> {
  const said = isJsonObject(decision) ? decision : {};
  const { approver, comment, signature } = said;
  if (typeof approver !== 'string' || !wait.approvers.includes(approver)) return bad('it names no approver');
  if (typeof signature !== 'string') return bad('it is not signed, and belay.yaml asks for signatures');
  const kind = said['decision'];
  if (kind !== 'approve' && kind !== 'reject') return bad('it is neither a yes nor a no');
  const allowedSigners = allowedSignersOf(policy, env);
  const people = peopleOf(policy, approver, allowedSigners);
  if (people.length === 0) return bad(`belay.yaml has no keys of ${approver}`);
  const text = statementText({
    ...wait,
    approver,
    decision: kind,
    comment: typeof comment === 'string' ? comment : '',
  });
  const verdict = await verifySignature(text, signature, people, allowedSigners);
  if (verdict.kind === 'bad') return verdict;
  if (policy.separate && isStarter(policy, verdict.person, wait.startedBy)) {
    return bad(`${verdict.person} started the execution, and approvals.separate wants somebody else`);
  }
  return verdict;
}

export function isStarter(policy: ApprovalPolicy, person: string, startedBy: readonly string[]): boolean {
  return startedBy.includes(policy.people.get(person)?.user ?? person);
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
