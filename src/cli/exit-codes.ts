/** The published exit codes, and which one an execution ends with. design.md section 6 is the table; help exit-codes prints it. */
import { accountOf, isDifferent, unsureBelow } from '../engine/index.ts';
import type { ExecutionView } from '../runtime/execution-view.ts';
import type { RefusalKind } from '../runtime/refusal.ts';

export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  rolledBack: 3,
  handsNeeded: 4,
  refused: 5,
  waiting: 6,
  timedOut: 7,
  nonCompliant: 8,
  undetermined: 9,
  bug: 70,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitCodeMeanings: readonly { readonly code: string; readonly meaning: string }[] = [
  { code: '0', meaning: 'done' },
  { code: '1', meaning: 'failed or cancelled, nothing undone by policy' },
  {
    code: '2',
    meaning: 'wrong usage, configuration, document or state folder; nothing, or nothing further, was started',
  },
  { code: '3', meaning: 'failed or cancelled, rolled back clean' },
  { code: '4', meaning: 'the rollback was partial or failed: hands are needed' },
  { code: '5', meaning: 'refused: lock, window, drift, rejected approval, not an approver' },
  { code: '6', meaning: 'waiting: approval, pause, missing secret, --no-wait, --leave-to-daemon' },
  { code: '7', meaning: 'timed out, nothing undone by policy' },
  { code: '8', meaning: 'non-compliant, nothing changed' },
  { code: '9', meaning: 'could not be determined, nothing changed' },
  { code: '70', meaning: 'a bug in Belay' },
  { code: '130', meaning: 'interrupted by Ctrl-C, state saved' },
  { code: '143', meaning: 'interrupted by SIGTERM, state saved' },
];

export interface Ended {
  readonly status: ExecutionView['status'];
  readonly rollbackStatus: ExecutionView['rollbackStatus'];
  /** Code of the failure that decided the status; null: none did. */
  readonly failureCode: string | null;
  readonly changedAnything: boolean;
}

/** A lock that somebody holds, or of which too few hosts could be asked. */
const lockCodes: ReadonlySet<string> = new Set(['LOCKED', 'LOCK_UNPROVEN']);

/**
 * The rollback's outcome decides first, then the status, then the failure's code. A message or a datum that was sent is
 * a word about the world and no change of it: actions report none for them, so an alarm does not take 8 and 9 away.
 */
export function exitCodeOf({ status, rollbackStatus, failureCode, changedAnything }: Ended): ExitCode {
  if (rollbackStatus === 'partial' || rollbackStatus === 'failed') return exitCodes.handsNeeded;
  if (status === 'Success') return exitCodes.done;
  if (rollbackStatus === 'clean') return exitCodes.rolledBack;
  if (status === 'TimedOut') return exitCodes.timedOut;
  if (lockCodes.has(failureCode ?? '') && !changedAnything) return exitCodes.refused;
  if (failureCode === 'REJECTED') return exitCodes.refused;
  if (failureCode === 'NON_COMPLIANT' && !changedAnything) return exitCodes.nonCompliant;
  if (failureCode === 'UNDETERMINED' && !changedAnything) return exitCodes.undetermined;
  return exitCodes.failed;
}

export function endedOf(
  view: Pick<ExecutionView, 'status' | 'rollbackStatus' | 'failedStep' | 'steps' | 'rollback' | 'refused'>,
): Ended {
  const deciding = view.steps.find(({ name }) => name === view.failedStep)?.failure ?? view.refused;
  return {
    status: view.status,
    rollbackStatus: view.rollbackStatus,
    failureCode: deciding?.code ?? null,
    changedAnything: changedAnything(view),
  };
}

/** Told, or nobody knows: a code that says that nothing was changed is a claim. */
function changedAnything(view: Pick<ExecutionView, 'steps' | 'rollback'>): boolean {
  const told = view.steps.some(({ changes }) => changes.some(isDifferent));
  const { steps, restorePoints } = accountOf(view);
  const isUnsure = unsureBelow({ steps }).length > 0 || steps.some(({ certainty }) => certainty === 'unsure');
  return told || restorePoints.length > 0 || isUnsure;
}

/** `belay rollback`: clean, or nothing to undo, is done. */
export function rollbackExitCodeOf(
  view: Pick<ExecutionView, 'rollbackStatus' | 'drift' | 'refused' | 'repeated'>,
): ExitCode {
  if (view.repeated?.steps.some(({ found }) => found === 'different') === true) return exitCodes.refused;
  if (view.drift.length > 0 || view.refused !== null) return exitCodes.refused;
  return view.rollbackStatus === 'clean' || view.rollbackStatus === 'notRequested'
    ? exitCodes.done
    : exitCodes.handsNeeded;
}

export function refusalExitCode(kind: RefusalKind): ExitCode {
  return exitCodes[kind];
}
