/**
 * The one token of a backup step: of all its attempts, so that each goes on where the last one was, and of its undo. The
 * engine's own changes with each attempt that is known to have ended.
 */
import { createHash } from 'node:crypto';
import type { ActionContext } from '../define-action.ts';

export function backupToken({ executionId, step }: Pick<ActionContext, 'executionId' | 'step'>): string {
  const path = `${executionId}/${step.replace(/\/undo$/, '')}`;
  return `b-${createHash('sha256').update(path).digest('hex').slice(0, 40)}`;
}
