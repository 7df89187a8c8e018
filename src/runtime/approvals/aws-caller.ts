/** Decisions by AWS identities: the proof of one, and what AWS answered to it. */
import { createHash } from 'node:crypto';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import type { CallerAnswer, CallerVerdict } from '../../transports/aws/caller-proof.ts';
import type { CallerProof } from '../../transports/aws/caller-proof-shape.ts';
import { Refusal } from '../refusal.ts';

/** As the inbox keeps it: what AWS was asked, and its answer. */
export type AwsWord = {
  /** Of the statement, hex: what the signature covered. */
  readonly sha256: string;
  readonly region: string;
  /** When it was signed: `20261130T101500Z`. */
  readonly date: string;
  readonly accessKeyId: string;
  readonly answer: CallerAnswer & JsonObject;
  /** When AWS answered, in ms since 1970. */
  readonly at: number;
};

export function statementSha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Whether the identity that AWS named is the one of the ARN: that user, that session of a role, or any session of that role. IAM
 * leaves the path of a role out of the names of its sessions, and names of roles are unique within an account.
 */
export function isIdentity(arn: string, called: string): boolean {
  if (arn === called) return true;
  const role = /^arn:([a-z-]+):iam::(\d{12}):role\/(?:[^/]+\/)*([^/]+)$/.exec(arn);
  const session = /^arn:([a-z-]+):sts::(\d{12}):assumed-role\/([^/]+)\/[^/]+$/.exec(called);
  return role !== null && session !== null && [1, 2, 3].every((part) => role[part] === session[part]);
}

/** Undefined: it is none. */
export function readAwsWord(value: Json | undefined): AwsWord | undefined {
  if (!isJsonObject(value)) return undefined;
  const { sha256, region, date, accessKeyId, answer, at } = value;
  if (typeof sha256 !== 'string' || typeof region !== 'string' || typeof date !== 'string') return undefined;
  if (typeof accessKeyId !== 'string' || typeof at !== 'number' || !isJsonObject(answer)) return undefined;
  const { arn, account, userId, requestId } = answer;
  if (typeof arn !== 'string' || typeof account !== 'string') return undefined;
  if (typeof userId !== 'string' || typeof requestId !== 'string') return undefined;
  return { sha256, region, date, accessKeyId, answer: { arn, account, userId, requestId }, at };
}

/** Signs the digest with the credentials and region of this environment, as the AWS CLI has them. Throws Refusal. */
export async function proveAsCaller(sha256: string, endpoint: string | null): Promise<CallerProof> {
  const { proveCaller } = await import('../../transports/aws/caller-proof.ts');
  const { defaultCredentials, defaultRegion } = await import('../../transports/aws/sdk-client.ts');
  const region = await defaultRegion().catch(() => regionDefault);
  try {
    const proof = await proveCaller(sha256, region, endpoint, defaultCredentials());
    if (proof !== undefined) return proof;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Refusal('refused', 'NO_CREDENTIALS', `there are no AWS credentials to sign with: ${why}`, {
      hint: 'set AWS_PROFILE, or log in; nothing was recorded',
    });
  }
  throw new Refusal('usage', 'UNKNOWN_REGION', `AWS has no region ${region}`, {
    hint: 'set AWS_REGION; nothing was recorded',
  });
}

/** Where no region is configured: every region of AWS knows every identity of its partition. */
const regionDefault = 'us-east-1';

/** Asks AWS who made the proof over this statement. */
export async function askAws(
  proof: CallerProof,
  sha256: string,
  endpoint: string | null,
  now: number,
): Promise<{ readonly kind: 'known'; readonly word: AwsWord } | Extract<CallerVerdict, { kind: 'refused' }>> {
  const { askCaller } = await import('../../transports/aws/caller-proof.ts');
  const verdict = await askCaller(proof, sha256, endpoint, now);
  if (verdict.kind === 'refused') return verdict;
  const { region, date, accessKeyId } = proof;
  return {
    kind: 'known',
    word: { sha256, region, date, accessKeyId, answer: { ...verdict.answer }, at: now },
  };
}
