/**
 * Processes that run what was taken back: a program or a library that was replaced while they ran. Its file is as before, and
 * they are not. What a step has started is started once more (again.ts); the others are nobody's to restart unasked. So
 * they are named, and a rollback that leaves one is partial until it has ended or was started anew.
 */
import type { Execution } from './execution.ts';
import type { Frame } from './frame.ts';
import { observeTimeoutMs } from './limits.ts';
import { allActing, lookAtEach } from './on-hosts.ts';
import type { StepRecord } from './records.ts';
import { tokenOf, workOf } from './steps/attempts.ts';
import type { OutdatedProcess } from './events.ts';

/** Those that were seen last, of all undos. */
export function outdatedOf({ began }: Execution): readonly OutdatedProcess[] {
  return allActing(began).flatMap(({ outdated }) => outdated ?? []);
}

/** Looks for them once more, when everything is back and what is to be started again has been. */
export async function lookForOutdated(frame: Frame, idPrefix: string): Promise<void> {
  const { execution } = frame;
  if (outdatedOf(execution).length === 0) return;
  for (const record of execution.began)
    await lookAtEach(frame, record, `${idPrefix}outdated/${record.path}`, async (lane, own) => {
      if (own.outdated === undefined || own.outdated.length === 0) return;
      own.outdated = await stillRunning(lane, own, own.outdated, `${idPrefix}outdated/${own.path}`);
    });
  await frame.emit({ type: 'OutdatedLookedFor', processes: outdatedOf(execution) });
}

/** Where the host cannot be asked, what was seen last counts. */
async function stillRunning(
  frame: Frame,
  record: StepRecord,
  processes: readonly OutdatedProcess[],
  id: string,
): Promise<readonly OutdatedProcess[]> {
  const outcome = await frame.activity({
    id,
    kind: 'stillRuns',
    input: { ...workOf(record), processes },
    step: record.path,
    token: tokenOf(frame, record.path, 0),
    timeoutMs: observeTimeoutMs,
    onLost: 'rerun',
    ignoreCancel: true,
  });
  return outcome.status === 'ok' ? outcome.value : processes;
}
