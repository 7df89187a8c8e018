/** The hash by which a stored program is known to be the one that was started, and approved. */
import { createHash } from 'node:crypto';
import type { Program } from '../engine/index.ts';
import type { ExecutionRow } from '../journal/index.ts';
import { Refusal } from './refusal.ts';

/** Hex, of its JSON: reading that back and writing it again gives the same. */
export function programSha256(program: Program): string {
  return createHash('sha256').update(JSON.stringify(program)).digest('hex');
}

/** The row itself. Throws Refusal where its program is not the one that was started. */
export function unchanged(row: ExecutionRow): ExecutionRow {
  const { id, program, sha256 } = row;
  if (programSha256(program) === sha256) return row;
  throw new Refusal(
    'refused',
    'PROGRAM_CHANGED',
    `the stored runbook of ${id} is not the one that was started`,
    {
      hint: `somebody has changed the state folder; nothing was done. belay discard ${id} --why closes it`,
    },
  );
}
