/**
 * Processes that run what was taken back. A service that a run has restarted is as active before as after, so its undo has
 * nothing to put back; but what it read at its start goes back in the undos of the steps below it. It is started once
 * more then: when everything below it is undone, before restore points go, and of a turn within the turn.
 */
import { isJsonObject, type Json } from '../json.ts';
import type { Execution } from './execution.ts';
import type { Frame } from './frame.ts';
import { stepTimeoutSecondsDefault, undoAttemptsMax } from './limits.ts';
import { isClean, needsUndo } from './needs-undo.ts';
import { allActing, stepOf } from './on-hosts.ts';
import { turnOf, type StepRecord, type TurnScope } from './records.ts';
import type { UndoResult } from './statuses.ts';
import { attempts } from './steps/attempts.ts';
import type { Again } from './types.ts';
import { onEach } from './undo-on-hosts.ts';
import { notUndone, type UndoEnding } from './undo-step.ts';

/** What is started again in one rollback. */
export class StartingAgain {
  readonly #began: ByTurn;
  readonly #keep: (frame: Frame, record: StepRecord, result: UndoResult) => void;
  readonly #after: ReadonlyMap<StepRecord, readonly StepRecord[]>;
  readonly #endings = new Map<StepRecord, UndoEnding>();

  /** `keep` notes the latest word on an undo. */
  constructor(
    execution: Execution,
    records: readonly StepRecord[],
    keep: (frame: Frame, record: StepRecord, result: UndoResult) => void,
  ) {
    const began = allActing(execution.began);
    this.#began = new ByTurn(began);
    this.#keep = keep;
    this.#after = startsAfter(began, this.#began, new ByTurn(allActing(records)));
  }

  /** Called after each undo: starts what is of the same turn. */
  async undone(frame: Frame, record: StepRecord, ending: UndoEnding): Promise<void> {
    this.#endings.set(record, ending);
    const turn = turnOf(record);
    if (turn === null) return;
    await this.#startAll(
      frame,
      (this.#after.get(record) ?? []).filter((starter) => turnOf(starter) === turn),
    );
  }

  /** Called when these were undone and nothing goes on beside: starts what is of no turn. */
  async passed(frame: Frame, records: readonly StepRecord[]): Promise<void> {
    for (const record of records)
      await this.#startAll(
        frame,
        (this.#after.get(record) ?? []).filter(
          (starter) => turnOf(record) === null || turnOf(starter) !== turnOf(record),
        ),
      );
  }

  /** Those of one step over many hosts together, as their step was undone. */
  async #startAll(frame: Frame, all: readonly StepRecord[]): Promise<void> {
    for (const [step, ofStep] of Map.groupBy(all, stepOf)) {
      const starters = ofStep.filter(
        (one) => (one.undo === null || isClean(one.undo)) && isOutdated(this.#began, one),
      );
      if (starters.length === 0) continue;
      await frame.emit({ type: 'UndoStarted', step: step.path, action: step.step.action });
      const started = await this.#started(frame, step, starters);
      this.#keep(frame, step, started.result);
      await frame.emit({ type: 'UndoEnded', step: step.path, ...started });
    }
  }

  async #started(frame: Frame, step: StepRecord, starters: readonly StepRecord[]): Promise<UndoEnding> {
    const start = async (at: Frame, starter: StepRecord): Promise<UndoEnding> => {
      const started = await startAgain(at, starter);
      starter.isStartedAgain = started.result === 'undone';
      starter.undo = started.result;
      return started;
    };
    const [only] = starters;
    const started =
      only === step
        ? await start(frame, only)
        : await onEach(frame, `${frame.idOf(step)}/again`, step, starters, start);
    return withBefore(started, this.#endings.get(step));
  }
}

/** With what its own undo has told before. */
function withBefore(started: UndoEnding, before: UndoEnding | undefined): UndoEnding {
  if (before === undefined) return started;
  return {
    ...started,
    changes: [...before.changes, ...started.changes],
    targets: [...new Set([...before.targets, ...started.targets])],
    note:
      started.failure !== null ? '' : [before.note, started.note].filter((note) => note !== '').join('; '),
    ...(before.looked === undefined || started.failure !== null ? {} : { looked: before.looked }),
  };
}

async function startAgain(frame: Frame, record: StepRecord): Promise<UndoEnding> {
  const { ending } = await attempts(frame, {
    id: `${frame.idOf(record)}/again`,
    path: `${record.path}/again`,
    work: {
      action: record.step.action,
      inputs: record.inputs ?? {},
      before: record.before,
      undo: {
        outputs: record.result?.outputs ?? null,
        ...(record.attempts.at(-1) ?? { token: '', handle: null }),
        again: true,
      },
    },
    isBegun: true,
    triesMax: undoAttemptsMax,
    timeoutMs: (record.descriptor.timeoutSeconds ?? stepTimeoutSecondsDefault) * 1000,
  });
  if (ending.status !== 'Success') {
    const cancelled = { code: 'CANCELLED', message: 'it was cancelled', retryable: true };
    const failure = ending.status === 'Cancelled' ? cancelled : ending.failure;
    return notUndone(failure);
  }
  const { result } = ending;
  return {
    result: 'undone',
    reason: '',
    failure: null,
    changes: result.changes,
    targets: result.targets,
    note: result.note,
  };
}

/**
 * Of a turn only what is of the same turn can be below a starter, and of one of many hosts nothing that is of another of them:
 * there may be thousands.
 */
class ByTurn {
  readonly #all: readonly StepRecord[];
  readonly #ofTurn: ReadonlyMap<TurnScope | null, readonly StepRecord[]>;
  constructor(records: readonly StepRecord[]) {
    this.#all = records;
    this.#ofTurn = Map.groupBy(records, turnOf);
  }

  get last(): StepRecord | undefined {
    return this.#all.at(-1);
  }

  /** Those among which what is below it is found. */
  near(starter: StepRecord): readonly StepRecord[] {
    const turn = turnOf(starter);
    if (turn !== null) return this.#ofTurn.get(turn) ?? [];
    const name = starter.host?.name;
    if (name === undefined) return this.#all;
    return this.#all.filter(({ host }) => host === undefined || host.name === name);
  }
}

/** By the step behind whose undo they are started. */
function startsAfter(
  all: readonly StepRecord[],
  began: ByTurn,
  records: ByTurn,
): ReadonlyMap<StepRecord, readonly StepRecord[]> {
  const after = new Map<StepRecord, StepRecord[]>();
  for (const starter of starters(all)) {
    const below = records.near(starter).findLast((other) => isBelow(other, starter));
    // One that an earlier rollback still owed, and in which nothing below is left to undo.
    const place = below ?? (isOutdated(began, starter) ? records.last : undefined);
    if (place === undefined) continue;
    const behind = after.get(stepOf(place)) ?? [];
    behind.push(starter);
    after.set(stepOf(place), behind);
  }
  return after;
}

/** Whether something below it was undone that it may have read, and it was not started again since. */
function isOutdated(began: ByTurn, starter: StepRecord): boolean {
  if (starter.isStartedAgain === true) return false;
  const [target] = keyOf(starter);
  return began.near(starter).some((other) => {
    if (other.undo !== 'undone' || !isBelow(other, starter)) return false;
    const targets = other.result?.targets ?? [];
    return targets.length === 0 || typeof target !== 'string' || targets.includes(target);
  });
}

/** Of steps that start the same thing the last one. */
function starters(all: readonly StepRecord[]): readonly StepRecord[] {
  const byKey = new Map<string, StepRecord>();
  for (const record of all) {
    if (!isStarter(record) || !needsUndo(record)) continue;
    const turn = turnOf(record);
    const key = JSON.stringify([turn?.target ?? null, turn?.of.path ?? null, ...keyOf(record)]);
    byKey.delete(key);
    byKey.set(key, record);
  }
  return [...byKey.values()];
}

function isStarter(record: StepRecord): boolean {
  const again = againOf(record);
  if (again === undefined || record.step.undo.kind !== 'auto') return false;
  const isSo = (wanted: Again['inputs'], found: Json) =>
    Object.entries(wanted).every(([name, values]) => values.includes(at(found, name)));
  return isSo(again.inputs, record.inputs ?? {}) && isSo(again.before, record.before);
}

/** What the starter's process may have read: it went before it, in the same turn or, of a step of the document, anywhere. */
function isBelow(other: StepRecord, starter: StepRecord): boolean {
  const turn = turnOf(starter);
  if (turn !== null && turnOf(other) !== turn) return false;
  if (other.index >= starter.index) return false;
  if (other.descriptor.undo.kind === 'restorePoint' || !needsUndo(other)) return false;
  return !isStarter(other) || JSON.stringify(keyOf(other)) !== JSON.stringify(keyOf(starter));
}

function keyOf(record: StepRecord): readonly Json[] {
  return (againOf(record)?.of ?? []).map((name) => at(record.inputs ?? {}, name));
}

const againOf = ({ descriptor }: StepRecord): Again | undefined =>
  descriptor.undo.kind === 'restore' ? descriptor.undo.again : undefined;

/** The member under a dotted name; null where there is none. */
function at(value: Json, name: string): Json {
  return name.split('.').reduce<Json>((found, part) => {
    return isJsonObject(found) && Object.hasOwn(found, part) ? (found[part] ?? null) : null;
  }, value);
}
