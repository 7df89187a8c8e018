/** What a person says to an approval. */
import type { Waiting } from '../../engine/index.ts';
import type { JsonObject } from '../../json.ts';

export interface Answer {
  readonly decision: 'approve' | 'reject';
  readonly comment: string;
}

/** With what a person signs it. */
export interface AnswerOptions extends Answer {
  /** A key of OpenSSH; absent: one of the agent or of ~/.ssh. */
  readonly key?: string;
  /** As the AWS identity of this environment, instead. */
  readonly aws?: boolean;
}

export type ApprovalWait = Extract<Waiting, { readonly kind: 'approval' }>;

/** As the inbox keeps it. */
export interface SignedDecision {
  readonly value: JsonObject;
  readonly person: string;
}

export type Sign = (at: string, waiting: ApprovalWait) => Promise<SignedDecision>;
