/** Decisions for another account: the request that its execution's account writes, and the decision that is signed over it. */
import { closeSync, constants, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Waiting } from '../../engine/index.ts';
import type { ExecutionRow } from '../../journal/index.ts';
import type { Configurations } from '../configuration.ts';
import { readText } from '../read-text.ts';
import { Refusal } from '../refusal.ts';
import type { AnswerOptions } from './answer.ts';
import { waitOf } from './approval-judge.ts';
import { proveAsCaller, statementSha256 } from './aws-caller.ts';
import { allowedSignersOf } from './check-decision.ts';
import {
  decisionText,
  readRequest,
  requestText,
  type ApprovalRequest,
  type DroppedDecision,
} from './decision-file.ts';
import { inboxOf } from './drop-box.ts';
import { approverByAws, noApprovers, policyOf, signByKey, textOf } from './give.ts';

export interface RequestPorts {
  readonly stateDir: string;
  readonly configurations: Configurations;
  readonly env: NodeJS.ProcessEnv;
}

/** JSON, for another account. Throws Refusal where the step wants no signature. */
export function requestFor(
  row: ExecutionRow,
  { at, waiting }: { readonly at: string; readonly waiting: Waiting },
  { stateDir, configurations, env }: RequestPorts,
): string {
  if (waiting.kind !== 'approval' || waiting.signed !== true || waiting.wait === undefined) {
    throw new Refusal('refused', 'NOT_SIGNED_HERE', `${at} of ${row.id} waits for no signature`, {
      hint: 'belay.yaml names no approvers, so only this account can answer',
    });
  }
  const policy = policyOf(row, configurations);
  if (policy === null) throw noApprovers(at);
  const {
    separate: _separate,
    startedBy: _startedBy,
    ...wait
  } = waitOf(row, at, {
    ...waiting,
    wait: waiting.wait,
  });
  return requestText({ wait, policy, signers: allowedSignersOf(policy, env), inbox: inboxOf(stateDir) });
}

/** Throws Refusal. */
export function openRequest(file: string): ApprovalRequest {
  const request = readRequest(readText(file).text);
  if (request !== undefined) return request;
  throw new Refusal('usage', 'NO_REQUEST', `${file} is not a request for an approval`, {
    hint: 'belay approve ID --request writes one, in the account that runs the execution',
  });
}

/** Signs with the caller's key, or as the caller's AWS identity. Throws Refusal. */
export async function signRequest(
  { wait, policy, signers }: ApprovalRequest,
  answer: AnswerOptions,
  env: NodeJS.ProcessEnv,
  now: () => number,
): Promise<DroppedDecision> {
  const asked = { policy, wait, signers };
  const { executionId, step, wait: id } = wait;
  const { decision, comment } = answer;
  const said = { executionId, step, wait: id, decision, comment };
  if (answer.aws !== true) {
    return signByKey(asked, answer, env, (approver, signature) =>
      Promise.resolve({ ...said, approver, signed: { kind: 'ssh', signature } }),
    );
  }
  const approver = await approverByAws(asked, now);
  const sha256 = statementSha256(textOf(asked, answer, approver));
  const proof = await proveAsCaller(sha256, policy.stsEndpoint);
  return { ...said, approver, signed: { kind: 'aws', proof } };
}

/** Lays it into the inbox, whole or not at all, for the account that reads it. Returns its path; throws Refusal. */
export function dropDecision(decision: DroppedDecision, inbox: string): string {
  const name = `${decision.executionId}-${randomBytes(8).toString('hex')}`;
  const [next, path] = [join(inbox, `.${name}`), join(inbox, name)];
  try {
    const descriptor = openSync(
      next,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o644,
    );
    try {
      writeSync(descriptor, decisionText(decision));
    } finally {
      closeSync(descriptor);
    }
    renameSync(next, path);
    return path;
  } catch (error) {
    try {
      unlinkSync(next);
    } catch {
      // It was not made.
    }
    const why = error instanceof Error ? error.message : String(error);
    throw new Refusal('refused', 'NOT_LAID', `the decision could not be laid into ${inbox}: ${why}`, {
      hint: 'belay sign FILE --out - prints it; whoever runs the execution may lay it there',
    });
  }
}
