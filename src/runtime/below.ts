/** Who waits for people in an execution and in those below it, each named from that execution: `PatchFleet@db1/Ask`. */
import type { EngineEvent, RecordedEvent, Waiting } from '../engine/index.ts';
import type { ChildPlace, Journal } from '../journal/index.ts';
import type { ExecutionView } from './execution-view.ts';
import { Refusal } from './refusal.ts';
import type { EventBelow } from './run-options.ts';
import { shellWord } from './visible.ts';

/** A wait that only a person ends. */
export interface PersonWait {
  /** The execution that waits: the one that was asked about, or one below it. */
  readonly view: ExecutionView;
  /** The step's path there. */
  readonly at: string;
  /** The same from the execution that was asked about. */
  readonly path: string;
  readonly waiting: Waiting;
}

/** How the steps of a child begin when they are named from the execution above it: `PatchFleet@db1/`. */
export function prefixOf({ step, target }: ChildPlace): string {
  return `${step}${target === null ? '' : `@${target}`}/`;
}

/** Of the execution and of all that are open below it, in the order in which they were started. */
export async function waitsFrom(
  top: ExecutionView,
  journal: Pick<Journal, 'openBelow'>,
  /** Undefined: it cannot be read. */
  viewOf: (id: string) => Promise<ExecutionView | undefined>,
): Promise<PersonWait[]> {
  if (top.endedAt !== null) return [];
  const prefixes = new Map([[top.executionId, '']]);
  const waits = waitsIn(top, '');
  for (const id of await journal.openBelow(top.child?.root ?? top.executionId)) {
    const view = await viewOf(id);
    const child = view?.child ?? null;
    const above = child === null ? undefined : prefixes.get(child.parent);
    if (view === undefined || child === null || above === undefined) continue;
    const prefix = above + prefixOf(child);
    prefixes.set(id, prefix);
    waits.push(...waitsIn(view, prefix));
  }
  return waits;
}

function waitsIn(view: ExecutionView, prefix: string): PersonWait[] {
  const { waiting } = view;
  const steps = view.waits.map((wait) => ({ ...wait, view, path: prefix + wait.at }));
  if (waiting === null || !isAskedAsAWhole(waiting)) return steps;
  const at = waiting.kind === 'nextStep' ? 'the next step' : 'rollback';
  return [...steps, { view, at, path: prefix + at, waiting }];
}

/** Not at a step: the execution itself is asked, and answered by its own id. */
export function isAskedAsAWhole({ kind }: Waiting): boolean {
  return kind === 'rollbackDecision' || kind === 'nextStep';
}

/** Of ambiguous ones, so many are named. */
const namedMax = 10;

/**
 * The step that a person means, by its path from the execution or the last part of it: `AskRestore` for
 * `SnapshotData/undo/AskRestore`. Undefined: the only one that waits. Throws Refusal.
 */
export function meantWait(
  top: ExecutionView,
  waits: readonly PersonWait[],
  step: string | undefined,
): PersonWait {
  const { executionId: id } = top;
  const steps = waits.filter(({ waiting }) => !isAskedAsAWhole(waiting));
  if (steps.length === 0) throw notWaiting(top);
  const whole = steps.filter(({ path }) => path === step);
  const meant =
    whole.length > 0 ? whole : steps.filter(({ path }) => step === undefined || path.endsWith(`/${step}`));
  const [first, ...others] = meant;
  if (first === undefined)
    throw new Refusal('refused', 'NOT_WAITING', `${id} waits at ${named(steps)}, not at ${step}`);
  if (others.length === 0) return first;
  throw new Refusal('usage', 'AMBIGUOUS_STEP', `${id} waits at ${meant.length} steps; nothing was recorded`, {
    hint: `name one of them: ${named(meant, (path) => `--step ${shellWord(path)}`)}`,
  });
}

function named(waits: readonly PersonWait[], shown: (path: string) => string = (path) => path): string {
  const names = waits.slice(0, namedMax).map(({ path }) => shown(path));
  const more = waits.length - names.length;
  return `${names.join(', ')}${more === 0 ? '' : ` and ${more} more`}`;
}

function notWaiting({ executionId: id, status, waiting }: ExecutionView): Refusal {
  if (waiting?.kind === 'lock') {
    return new Refusal(
      'refused',
      'NOT_WAITING',
      `${id} waits for the lock ${waiting.lock}, not for a person`,
      {
        hint: 'belay locks shows who holds it',
      },
    );
  }
  if (waiting?.kind === 'nextStep') {
    const text = `${id} waits before ${waiting.steps[0]} for somebody to start it, not for an approval`;
    return new Refusal('refused', 'NOT_WAITING', text, { hint: `belay continue ${id}` });
  }
  return new Refusal('refused', 'NOT_WAITING', `${id} waits for nobody (${status})`, {
    hint: `belay show ${id}`,
  });
}

/** What happened in an execution below, as the one above tells it; undefined: it is told by the step that started it. */
export function toldFromAbove({ prefix, recorded }: EventBelow): RecordedEvent | undefined {
  const event = namedFromAbove(prefix, recorded.event);
  return event === undefined ? undefined : { ...recorded, event };
}

function namedFromAbove(prefix: string, event: EngineEvent): EngineEvent | undefined {
  switch (event.type) {
    case 'StepWaiting':
      // Its steps are the child's own, and the question is answered by the child's id.
      if (isAskedAsAWhole(event.waiting)) return undefined;
      return { ...event, step: prefix + event.step };
    case 'StepStarted':
    case 'AttemptFailed':
    case 'EffectAdopted':
    case 'StepEnded':
    case 'TurnStarted':
    case 'TurnEnded':
    case 'PassStarted':
    case 'UndoStarted':
    case 'UndoEnded':
      return { ...event, step: prefix + event.step };
    case 'NotifyFailed':
    case 'LocksReleased':
      return event;
    case 'ExecutionStarted':
    case 'ForwardEnded':
    case 'RollbackStarted':
    case 'RollbackEnded':
    case 'RollbackRefused':
    case 'RollbackRepeated':
    case 'StateLooked':
    case 'OutdatedLookedFor':
    case 'LocksTaken':
    case 'LocksRefused':
    case 'ExecutionEnded':
      return undefined;
    default:
      return event satisfies never;
  }
}
