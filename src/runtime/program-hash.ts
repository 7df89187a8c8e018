/** The hash by which a stored program is known to be the one that was started, and approved. */
import { createHash } from 'node:crypto';
import type { Program } from '../engine/index.ts';
import type { ExecutionRow } from '../journal/index.ts';
import { Refusal } from './refusal.ts';

/** Hex, of its JSON: reading that back and writing it again gives the same. */
export function programSha256(program: Program): string {
  return createHash('sha256').update(JSON.stringify(program)).digest('hex');
}

/** Throws Refusal. */
export function refuseChanged({ id, program, sha256 }: ExecutionRow): void {
  if (programSha256(program) === sha256) return;
  throw new Refusal(
    'refused',
    'PROGRAM_CHANGED',
    `the stored runbook of ${id} is not the one that was started`,
    {
      hint: `somebody has changed the state folder; nothing was done. belay discard ${id} --why closes it`,
    },
  );
}
