/** Every bound of the engine, by name. */

/** Per attempt, where neither the step nor its action says: SSM's own default is not documented, an hour is usual. */
export const stepTimeoutSecondsDefault = 3600;
/** AWS lets an onCancel chain run two minutes (SSM User Guide, automation-actions). */
export const onCancelSeconds = 120;
/** One try of `begin` is a short call; a longer silence counts as a lost reply. What AWS wants to be asked later has the step's time. */
export const beginTimeoutMs = 60_000;
/** Includes the time for which "absent" is not believed. */
export const adoptTimeoutMs = 120_000;
/** Finding a runbook, and fitting its parameters. */
export const findRunbookTimeoutMs = 120_000;
export const prepareTimeoutMs = 120_000;
export const observeTimeoutMs = 60_000;
/** Stopping waits for the grace between TERM and KILL and for the host's word that nothing lives. */
export const stopTimeoutMs = 60_000;
export const identityTimeoutMs = 60_000;
/** How long the host may take to check a signature. */
export const decisionTimeoutMs = 60_000;
export const notifyTimeoutMs = 30_000;
/** Asking every host of a cluster, slow and dead ones among them. */
export const lockTimeoutMs = 120_000;
/** How often a host that did not answer is asked anew for its lock. */
export const lockTriesMax = 2;
/** Pause before a lock that somebody holds is asked for again, in ms. */
export function lockPauseMs(asked: number): number {
  return asked <= 30 ? Math.min(500 * asked, 2_000) : 10_000;
}
/** Passes of a loop with a condition, where it has no MaxIterations: as many as AWS allows. */
export const conditionPassesMax = 100;
/** Passes of one loop. AWS allows 100, and --strict-ssm holds a document to that. */
export const loopPassesMax = 100_000;
/** How often a lost `begin` is looked for and begun again. */
export const beginRoundsMax = 3;
/** Tries of one undo in one rollback. */
export const undoAttemptsMax = 3;
/** Pause before attempt n + 1, in ms. AWS documents none. */
export function backoffMs(attempt: number): number {
  return Math.min(1000 * 2 ** (attempt - 1), 15_000);
}
/** Default and longest wait of approve and pause: 7 and 30 days (SSM User Guide). */
export const approvalTimeoutSecondsDefault = 604_800;
/** How long a person may take to start the next step of an interactive run: ten years. SSM has no limit there. */
export const nextStepTimeoutSeconds = 315_360_000;
/** How long a person may take over an unknown outcome or `rollback: ask`. */
export const decisionTimeoutSeconds = 604_800;

/** How many hosts of one step are acted on at once where nothing is said, as SSM's SendCommand has it. MaxErrors lets fewer be under way. */
export const maxConcurrencyDefault = 50;
