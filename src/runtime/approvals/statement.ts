/** What an approver signs: one text that a person can read, and that fits one wait of one execution only. */
import { createHash } from 'node:crypto';
import type { JsonObject } from '../../json.ts';

/** Keeps these signatures apart from all others that are made with the same key. */
export const signatureNamespace = 'belay-approval';

export interface Statement {
  readonly executionId: string;
  readonly runbook: string;
  /** The path of the step that waits. */
  readonly step: string;
  /** Tells this wait at the step from every other one: `AskRestore#1`, `rollback2/Patch/undo/Ask#1`. */
  readonly wait: string;
  readonly message: string;
  /** Of the stored program: the document, and what its actions said of themselves. Hex. */
  readonly programSha256: string;
  /** Of the parameters, with a placeholder in the place of each secret. Hex. */
  readonly parametersSha256: string;
  /** As the step names it: a person or a group. */
  readonly approver: string;
  readonly decision: 'approve' | 'reject';
  readonly comment: string;
}

/** Texts are JSON, so that none can look like a line of its own. */
export function statementText(statement: Statement): string {
  const { decision, executionId, runbook, step, wait, message, approver, comment } = statement;
  return [
    'Belay approval, version 1',
    `decision: ${decision}`,
    `execution: ${JSON.stringify(executionId)}`,
    `runbook: ${JSON.stringify(runbook)}`,
    `step: ${JSON.stringify(step)}`,
    `wait: ${JSON.stringify(wait)}`,
    `message: ${JSON.stringify(message)}`,
    `program sha256: ${statement.programSha256}`,
    `parameters sha256: ${statement.parametersSha256}`,
    `approver: ${JSON.stringify(approver)}`,
    `comment: ${JSON.stringify(comment)}`,
    '',
  ].join('\n');
}

/** The order of their names does not count. */
export function parametersSha256(parameters: JsonObject): string {
  const sorted = Object.entries(parameters).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex');
}
