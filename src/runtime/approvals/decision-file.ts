/**
 * What goes between the account that runs an execution and the account of an approver: a request, which says what is to be decided, and
 * a decision, which is signed over it. Both are JSON. Each side reads the other's as strictly as anything from outside.
 */
import { stsEndpointOf, type Approver, type ApprovalPolicy } from '../../inventory/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { readProof, type CallerProof } from '../../transports/aws/caller-proof-shape.ts';
import type { WaitSaid } from './check-decision.ts';

/** A signature of an RSA key, a session token, and a comment of the length that AWS allows. */
export const decisionBytesMax = 32 * 1024;
const textMax = 8 * 1024;
const listMax = 1_000;
/** Keys of a thousand people. */
const signersMax = 1024 * 1024;

/** What another account is asked to decide. */
export interface ApprovalRequest {
  readonly wait: Omit<WaitSaid, 'separate' | 'startedBy'>;
  readonly policy: ApprovalPolicy;
  /** Lines of ssh-keygen, ALLOWED SIGNERS. */
  readonly signers: string;
  /** The folder into which the decision is to be laid. */
  readonly inbox: string;
}

/** What another account has decided. */
export interface DroppedDecision {
  readonly executionId: string;
  readonly step: string;
  readonly wait: string;
  readonly approver: string;
  readonly decision: 'approve' | 'reject';
  readonly comment: string;
  readonly signed:
    | { readonly kind: 'ssh'; readonly signature: string }
    | { readonly kind: 'aws'; readonly proof: CallerProof };
}

export function decisionText({ signed, ...said }: DroppedDecision): string {
  const by = signed.kind === 'ssh' ? { signature: signed.signature } : { aws: { ...signed.proof } };
  return `${JSON.stringify({ belay: 'decision 1', ...said, ...by }, null, 2)}\n`;
}

/** A sentence instead, where it is none. */
export function readDecision(text: string): DroppedDecision | { readonly wrong: string } {
  const read = objectIn(text, 'decision 1');
  if (read === undefined) return { wrong: 'it is not a decision' };
  const { executionId, step, wait, approver, decision, comment, signature, aws } = read;
  if (!isText(executionId) || !isText(step) || !isText(wait) || !isText(approver) || !isText(comment))
    return { wrong: 'it does not say of what it is' };
  if (decision !== 'approve' && decision !== 'reject') return { wrong: 'it is neither a yes nor a no' };
  const said = { executionId, step, wait, approver, decision, comment } as const;
  if (typeof signature === 'string') return { ...said, signed: { kind: 'ssh', signature } };
  const proof = isJsonObject(aws) ? readProof(aws) : undefined;
  return proof === undefined ? { wrong: 'it is not signed' } : { ...said, signed: { kind: 'aws', proof } };
}

export function requestText({ wait, policy, signers, inbox }: ApprovalRequest): string {
  const { executionId, runbook, step, wait: id, message, programSha256, parametersSha256, approvers } = wait;
  return `${JSON.stringify(
    {
      belay: 'request 1',
      executionId,
      runbook,
      step,
      wait: id,
      message,
      programSha256,
      parametersSha256,
      approvers,
      identities: Object.fromEntries(
        Array.from(policy.people.values(), ({ name, arns }): [string, readonly string[]] => [name, arns]),
      ),
      groups: Object.fromEntries(policy.groups),
      stsEndpoint: policy.stsEndpoint,
      signers,
      inbox,
    },
    null,
    2,
  )}\n`;
}

/** Undefined: it is none. */
export function readRequest(text: string): ApprovalRequest | undefined {
  const read = objectIn(text, 'request 1');
  if (read === undefined) return undefined;
  const { executionId, runbook, step, wait, message, programSha256, parametersSha256 } = read;
  const { signers, inbox, stsEndpoint } = read;
  if (!isText(executionId) || !isText(runbook) || !isText(step) || !isText(wait) || !isText(message))
    return undefined;
  if (!isText(programSha256) || !isText(parametersSha256) || !isText(signers, signersMax) || !isText(inbox))
    return undefined;
  const approvers = listOf(read['approvers']);
  const identities = listsIn(read['identities']);
  const groups = listsIn(read['groups']);
  if (approvers === undefined || identities === undefined || groups === undefined) return undefined;
  const endpoint = isText(stsEndpoint) ? stsEndpointOf(stsEndpoint) : null;
  if (endpoint === undefined) return undefined;
  const people = Array.from(identities, ([name, arns]): [string, Approver] => [
    name,
    { name, arns, keys: [], users: [] },
  ]);
  return {
    wait: {
      executionId,
      runbook,
      step,
      wait,
      message,
      programSha256,
      parametersSha256,
      approvers,
    },
    policy: {
      people: new Map(people),
      groups,
      separate: false,
      allowedSigners: null,
      stsEndpoint: endpoint,
      inbox: true,
    },
    signers,
    inbox,
  };
}

function objectIn(text: string, kind: string): JsonObject | undefined {
  try {
    const read = JSON.parse(text) as Json;
    return isJsonObject(read) && read['belay'] === kind ? read : undefined;
  } catch {
    return undefined;
  }
}

function isText(value: Json | undefined, lengthMax = textMax): value is string {
  return typeof value === 'string' && value.length <= lengthMax;
}

function listOf(value: Json | undefined): readonly string[] | undefined {
  return Array.isArray(value) && value.length <= listMax && value.every((item) => isText(item))
    ? value
    : undefined;
}

function listsIn(value: Json | undefined): ReadonlyMap<string, readonly string[]> | undefined {
  if (!isJsonObject(value)) return undefined;
  const lists = Object.entries(value).map(([name, list]) => [name, listOf(list)] as const);
  const whole = lists.filter((each): each is [string, readonly string[]] => each[1] !== undefined);
  return whole.length === lists.length ? new Map(whole) : undefined;
}
