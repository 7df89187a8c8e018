/** Who holds a lock, in words, and what to do about it. */
import { hostname } from 'node:os';
import { foldEvents } from '../../engine/index.ts';
import { DamagedExecution, type Journal, type LockRow } from '../../journal/index.ts';
import { rootOf } from '../child-id.ts';
import { livenessOf, type Runners } from '../liveness.ts';
import { executionView, type ExecutionView } from '../execution-view.ts';
import { shellWord } from '../visible.ts';
import type { LockEntry } from './lock-entry.ts';

export interface Holder {
  readonly executionId: string;
  readonly runbook: string;
  /** `alice@ops1`. */
  readonly who: string;
  readonly since: number;
  readonly condition: HolderCondition;
}

export type HolderCondition =
  /** A process is running it now. */
  | 'underWay'
  /** It has not ended and nobody runs it. */
  | 'runnerGone'
  /** It has ended and could not give the lock back. */
  | 'ended'
  /** What the journal has of it cannot be read, and nobody runs it. */
  | 'damaged'
  /** It belongs to another state folder, of which nothing is known here. */
  | 'elsewhere';

export async function holderOfRow(
  journal: Journal,
  runners: Pick<Runners, 'isAlive'>,
  row: LockRow,
): Promise<Holder> {
  const seen = await viewOf(journal, runners, row.executionId);
  const view = typeof seen === 'string' ? undefined : seen;
  return {
    executionId: row.executionId,
    runbook: view?.runbook ?? '?',
    who: `${view?.startedBy ?? '?'}@${view?.runner?.host ?? hostname()}`,
    since: row.since,
    condition: conditionOf(seen),
  };
}

export async function holderOfEntry(
  journal: Journal,
  runners: Pick<Runners, 'isAlive'>,
  entry: LockEntry,
): Promise<Holder> {
  const isOurs = entry.folderId === (await journal.folderId());
  const { executionId, runbook, who, since } = entry;
  const condition = isOurs ? conditionOf(await viewOf(journal, runners, executionId)) : 'elsewhere';
  return { executionId, runbook, who, since, condition };
}

/** A word instead of what cannot be read. */
async function viewOf(
  journal: Journal,
  runners: Pick<Runners, 'isAlive'>,
  executionId: string,
): Promise<ExecutionView | 'underWay' | 'damaged' | undefined> {
  try {
    const row = await journal.execution(executionId);
    return row === undefined
      ? undefined
      : executionView(
          row,
          foldEvents(await journal.events(executionId, 0)),
          await livenessOf(journal, runners, row),
        );
  } catch (error) {
    if (!(error instanceof DamagedExecution)) throw error;
    return (await runners.isAlive(rootOf(executionId))) ? 'underWay' : 'damaged';
  }
}

function conditionOf(view: ExecutionView | 'underWay' | 'damaged' | undefined): HolderCondition {
  if (view === undefined) return 'elsewhere';
  if (typeof view === 'string') return view;
  if (view.isLive) return 'underWay';
  return view.endedAt === null ? 'runnerGone' : 'ended';
}

/** `01JD3K7Q (patch-postgresql, alice@ops1)`. */
export function holderName({ executionId, runbook, who }: Holder): string {
  return `${executionId} (${runbook}, ${who})`;
}

/** `its runner is gone: belay resume 01JD3K7Q goes on, belay cancel 01JD3K7Q climbs down`. */
export function whatToDo(lockName: string, { executionId, condition, who }: Holder): string {
  const [lock, id] = [shellWord(lockName), shellWord(executionId)];
  switch (condition) {
    case 'underWay':
      return `it is under way: belay show ${id} says where, belay run --wait-lock waits for its end`;
    case 'runnerGone':
      return `its runner is gone: belay resume ${id} goes on, belay cancel ${id} climbs down`;
    case 'ended':
      return `it has ended and could not give it back: belay unlock ${lock} --holder ${id} frees it`;
    case 'damaged':
      return `what the journal has of it is damaged, and nobody runs it: look at what it locks, and only if that is as it should be: belay unlock ${lock} --holder ${id}`;
    case 'elsewhere':
      return `it belongs to another state folder: ask ${who}, and only if that machine is lost: belay unlock ${lock} --holder ${id}`;
    default:
      return condition satisfies never;
  }
}

export function heldSentence(lock: string, holder: Holder, now: number): string {
  return `${lock} is held by ${holderName(holder)} since ${sinceText(holder.since, now)}; ${whatToDo(lock, holder)}`;
}

/** `02:14:07`, with the day where it is another one. Local time. */
export function sinceText(at: number, now: number): string {
  const two = (part: number): string => String(part).padStart(2, '0');
  const date = new Date(at);
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  if (date.toDateString() === new Date(now).toDateString()) return clock;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock}`;
}
