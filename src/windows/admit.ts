/** Windows × the time since they were last looked at → the occurrences that have come due, each with the decision about it. */
import { dueInstants, findZone } from '../schedule/index.ts';
import type { FreezeCalendar } from './freeze.ts';
import { isEnded, occurrenceId, type Occurrence, type Reason } from './occurrence.ts';
import { scheduleOf, type Window } from './types.ts';

const hourMs = 3_600_000;
/** How many due instants of one absence are written down one by one; a window of every five minutes has 2,000 in a week. */
export const missedMax = 1_000;

export interface AdmitInput {
  readonly window: Window;
  /** When a daemon first saw the window: rates without StartDate count from it. */
  readonly seenAt: number;
  /** Up to when its due instants are decided already; in ms. */
  readonly decidedUntil: number;
  /** Of the same window, not ended. */
  readonly running: readonly Occurrence[];
  readonly freeze: readonly FreezeCalendar[];
  /** The freeze calendars cannot be read, and why. */
  readonly freezeProblem: string | null;
  readonly pause: { readonly why: string; readonly by: string } | null;
  /** Occurrence ids that somebody has skipped. */
  readonly skipped: ReadonlyMap<string, { readonly by: string; readonly why: string }>;
  /** Seen later than this after it was due, an occurrence was missed: nobody ran then. */
  readonly onTimeMsMax: number;
}

/** In order. An occurrence that is not skipped is PENDING. */
export function admit(input: AdmitInput, now: number): readonly Occurrence[] {
  const { window } = input;
  const zone = findZone(window.timezone);
  if (!window.isEnabled || zone === undefined) return [];
  const schedule = scheduleOf(window, zone, input.seenAt);
  const admitted: Occurrence[] = [];
  for (const dueAt of dueInstants(schedule, input.decidedUntil, now, missedMax)) {
    const previous = [...input.running, ...admitted].filter(({ status }) => !isEnded(status));
    admitted.push(decide(input, dueAt, now, previous));
  }
  return admitted;
}

function decide(input: AdmitInput, dueAt: number, now: number, previous: readonly Occurrence[]): Occurrence {
  const { window } = input;
  const windowEndAt = dueAt + window.durationHours * hourMs;
  const freezeAt = input.freeze
    .flatMap((calendar) => calendar.frozenBetween(dueAt, windowEndAt))
    .toSorted((left, right) => left.start - right.start)
    .at(0);
  const endAt = Math.max(dueAt, Math.min(windowEndAt, freezeAt?.start ?? Infinity));
  const occurrence: Occurrence = {
    window: window.name,
    id: occurrenceId(window.name, dueAt),
    dueAt,
    seenAt: now,
    cutoffAt: Math.min(windowEndAt - window.cutoffHours * hourMs, endAt),
    endAt,
    status: 'PENDING',
    approval: window.approval,
    ...(window.notifySns === undefined ? {} : { notifySns: window.notifySns }),
    ...(window.notifyChannels === undefined ? {} : { notifyChannels: window.notifyChannels }),
    tasks: window.tasks.map((task) => ({ task, status: 'PENDING', targets: null, invocations: [] })),
  };
  const skip = (reason: Reason): Occurrence => ({
    ...occurrence,
    status: reason.code === 'OVERLAPPING' ? 'SKIPPED_OVERLAPPING' : 'SKIPPED',
    reason,
    endedAt: now,
    tasks: [],
  });
  const reason = reasonToSkip(
    input,
    occurrence,
    freezeAt?.start ?? Infinity,
    freezeAt?.summary ?? '',
    previous,
  );
  return reason === null ? occurrence : skip(reason);
}

export function skippedBy({ by, why }: { readonly by: string; readonly why: string }): Reason {
  return { code: 'SKIPPED', message: `${by} has skipped it${why === '' ? '' : `: ${why}`}` };
}

function reasonToSkip(
  input: AdmitInput,
  { id, dueAt, seenAt, cutoffAt }: Occurrence,
  frozenFrom: number,
  summary: string,
  previous: readonly Occurrence[],
): Reason | null {
  const skip = input.skipped.get(id);
  if (skip !== undefined) return skippedBy(skip);
  if (input.pause !== null) {
    const why = input.pause.why === '' ? '' : `: ${input.pause.why}`;
    return { code: 'PAUSED', message: `${input.pause.by} has paused the window${why}` };
  }
  if (input.freezeProblem !== null) return { code: 'FREEZE_UNKNOWN', message: input.freezeProblem };
  if (frozenFrom <= dueAt) return { code: 'FROZEN', message: `it lies in "${summary}" of a freeze calendar` };
  const lateMs = seenAt - dueAt;
  if (lateMs > input.onTimeMsMax) {
    const { missedRuns } = input.window;
    const late = `it was due ${Math.round(lateMs / 60_000)} min before a daemon ran`;
    if (missedRuns.kind === 'skip') return { code: 'MISSED', message: late };
    if (lateMs > missedRuns.ageMsMax)
      return { code: 'MISSED', message: `${late}, which is too late to catch up` };
    if (seenAt > cutoffAt) return { code: 'MISSED', message: `${late}, and its cut-off is past` };
  }
  const [running] = previous;
  if (running !== undefined) return { code: 'OVERLAPPING', message: `${running.id} still runs` };
  return null;
}
