/** Whether a runbook's file is still what an execution began with: what began goes on as it was written then. */
import { createHash } from 'node:crypto';
import type { ExecutionSettings } from '../journal/index.ts';
import { readText } from './read-text.ts';
import { Refusal } from './refusal.ts';

export const textSha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The file, where it holds another text by now. Undefined: it does not, it cannot be read, or nobody knows what it held. */
export function changedRunbook({
  runbookFile,
  runbookSha256,
}: Pick<ExecutionSettings, 'runbookFile' | 'runbookSha256'>): string | undefined {
  if (runbookFile === undefined || runbookSha256 === undefined) return undefined;
  try {
    return textSha256(readText(runbookFile).text) === runbookSha256 ? undefined : runbookFile;
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}
