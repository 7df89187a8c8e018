/** Whether an execution can still climb down, and so what was kept for it has to stay. No file's age has a say. Pure. */
import { standingRestorePoints } from '../../engine/index.ts';
import { isClimbingDown, type ExecutionView } from '../execution-view.ts';

export type Fate =
  | { readonly kind: 'goes'; readonly why: string }
  /** `until`: it goes by itself then, in ms since 1970. */
  | { readonly kind: 'stays'; readonly why: string; readonly until?: number; readonly hint?: string };

export function fateOf(
  view: ExecutionView,
  { now, keepMs, locks }: { readonly now: number; readonly keepMs: number; readonly locks: number },
): Fate {
  const id = view.executionId;
  if (view.isLive) return stays('it is under way');
  if (view.forgottenAt !== null) return { kind: 'goes', why: 'its removal has begun already' };
  if (locks > 0) return stays('it still holds locks', 'belay locks names them; belay unlock frees them');
  if (view.closing !== null)
    return { kind: 'goes', why: `${view.closing.kind} by ${view.closing.by}: ${view.closing.why}` };
  if (view.endedAt === null) {
    return stays(
      `it has not ended (${view.status})`,
      `belay resume ${id}, ${isClimbingDown(view) ? '' : `belay cancel ${id}, `}or belay discard ${id} --why TEXT`,
    );
  }
  if (!view.sandbox && (view.rollbackStatus === 'partial' || view.rollbackStatus === 'failed')) {
    return stays(
      `its rollback is ${view.rollbackStatus}`,
      `belay rollback ${id}, or once it is mended by hand  belay discard ${id} --why TEXT`,
    );
  }
  const points = view.sandbox ? [] : standingRestorePoints(view).map(({ id: point }) => point);
  if (points.length > 0) {
    return stays(
      `by its record ${points.join(', ')} ${points.length === 1 ? 'is' : 'are'} still there`,
      `belay rollback ${id} removes what it made; belay discard ${id} --why TEXT lets it stay for good`,
    );
  }
  const until = view.endedAt + keepMs;
  if (now < until) return { ...stays('it ended too short a time ago'), until };
  return { kind: 'goes', why: 'its time is over' };
}

function stays(why: string, hint?: string): Extract<Fate, { kind: 'stays' }> {
  return hint === undefined ? { kind: 'stays', why } : { kind: 'stays', why, hint };
}
