/** Undoes one step: by its author's list, or by what its action knows. */
import type { Reference } from '../document/index.ts';
import type { Step } from '../document/types.ts';
import type { JsonObject } from '../json.ts';
import { hadNoVerdict, hadReasonToKeep } from './earlier-rollback.ts';
import { failureIn } from './endings.ts';
import type { Change, Looked } from './events.ts';
import type { Failure } from './failure.ts';
import type { Frame } from './frame.ts';
import { stepTimeoutSecondsDefault, undoAttemptsMax } from './limits.ts';
import type { StepRecord, UndoScope } from './records.ts';
import { idsIn, judgedHurtBy, reasonToKeep } from './restore-points.ts';
import { resolve } from './scope.ts';
import type { UndoResult } from './statuses.ts';
import { undoChildren } from './undo-child.ts';
import { attempts } from './steps/attempts.ts';

export interface UndoEnding {
  readonly result: UndoResult;
  readonly reason: string;
  readonly failure: Failure | null;
  readonly changes: readonly Change[];
  readonly targets: readonly string[];
  readonly note: string;
  /** What a look right after it found of the state that it puts back. */
  readonly looked?: Looked;
  /** Of a step over many hosts: those on which it is not undone. */
  readonly standsOn?: readonly string[];
}

export async function undoStep(frame: Frame, record: StepRecord): Promise<UndoEnding> {
  const { step, descriptor } = record;
  if (frame.isSpent)
    return notUndone({ code: 'TIMED_OUT', message: 'the time for the rollback was spent', retryable: true });
  switch (step.undo.kind) {
    case 'none':
      return ending('nothingToDo', step.undo.reason);
    case 'steps':
      return byList(frame, record, step.undo.steps);
    case 'auto':
      break;
    default:
      return step.undo satisfies never;
  }
  if (record.children !== undefined)
    return { ...ending('undone', ''), ...(await undoChildren(frame, record)) };
  switch (descriptor.undo.kind) {
    case 'notNeeded':
      return ending('nothingToDo', 'it only read');
    case 'none':
      return ending(descriptor.undo.leavesChange ? 'leftOver' : 'nothingToDo', descriptor.undo.reason);
    case 'restorePoint': {
      const reason = reasonOfAction(frame, record);
      return reason === null ? byAction(frame, record) : ending('kept', reason);
    }
    case 'restore':
      return byAction(frame, record);
    default:
      return descriptor.undo satisfies never;
  }
}

/** Why the restore points that the step made stay; null when they may go. */
function reasonOfAction({ execution, rollback }: Frame, record: StepRecord): string | null {
  if (rollback === null) return hadReasonToKeep(execution, record);
  const ids = (record.result?.restorePoints ?? []).map(({ id }) => id);
  const reason = reasonToKeep(execution, rollback, record, ids);
  const hurtBy = judgedHurtBy(rollback, record);
  return reason ?? (hurtBy === null ? null : `${hurtBy} did not find the data sound`);
}

/** The action's own undo, once for every attempt that may have acted, last first. */
async function byAction(frame: Frame, record: StepRecord): Promise<UndoEnding> {
  const tries =
    record.descriptor.undo.kind === 'restorePoint' ? record.attempts.toReversed() : record.attempts.slice(-1);
  const changes: Change[] = [];
  const targets = new Set<string>();
  const notes: string[] = [];
  for (const [index, attempt] of tries.entries()) {
    const id = `${frame.idOf(record)}/undo${index === 0 ? '' : `.${index}`}`;
    const { ending: undone } = await attempts(frame, {
      id,
      path: `${record.path}/undo`,
      work: {
        action: record.step.action,
        inputs: record.inputs ?? {},
        before: record.before,
        undo: { outputs: record.result?.outputs ?? null, ...attempt },
      },
      isBegun: true,
      triesMax: undoAttemptsMax,
      timeoutMs: (record.descriptor.timeoutSeconds ?? stepTimeoutSecondsDefault) * 1000,
    });
    if (undone.status !== 'Success') {
      const failure =
        undone.status === 'Cancelled'
          ? { code: 'CANCELLED', message: 'it was cancelled', retryable: true }
          : undone.failure;
      return failure.code === 'NO_UNDO' ? ending('leftOver', failure.message) : notUndone(failure);
    }
    changes.push(...undone.result.changes);
    if (undone.result.outdated !== undefined)
      record.outdated = [...(record.outdated ?? []), ...undone.result.outdated];
    for (const target of undone.result.targets) targets.add(target);
    if (undone.result.note !== '') notes.push(undone.result.note);
  }
  // A restore point that is gone was removed here, by a runner that died before it could say so.
  const didAnything =
    changes.length > 0 || notes.length > 0 || record.descriptor.undo.kind === 'restorePoint';
  return {
    result: didAnything ? 'undone' : 'nothingToDo',
    reason: didAnything ? '' : 'it was as before already',
    failure: null,
    changes,
    targets: [...targets],
    note: notes.join('; '),
  };
}

/** The author's list. It is held to the rules of restore points, whatever it says. */
async function byList(frame: Frame, record: StepRecord, steps: readonly Step[]): Promise<UndoEnding> {
  const { execution, rollback } = frame;
  const changes: Change[] = [];
  const targets = new Set<string>();
  const decidedBy: Reference[] = [];
  let kept: string | null = null;
  let removed = false;
  let used = false;
  let acted = false;
  let failure: Failure | null = null;
  const outputs = new Map<string, JsonObject>();
  const judges = new Set<string>();
  const scope: UndoScope = { kind: 'undo', outputs, parent: record.scope, of: record };
  const within = frame.with({ scope });
  const list = { steps, path: `${record.path}/undo/`, planPath: `${record.planPath}/undo/` };
  const ran = await frame.runList(within, list, {
    guard: async (inner) => {
      if (inner.descriptor.removesRestorePoints === null) return true;
      const inputs = await resolve(within, inner.step.inputs, `${frame.idOf(inner)}:guard`);
      const ids = inputs.ok ? idsIn(inputs.value as JsonObject, inner.descriptor.removesRestorePoints) : [];
      if (ids.length === 0) return true;
      kept =
        rollback === null
          ? (hadReasonToKeep(execution, record) ?? hadNoVerdict(execution, record, decidedBy))
          : (reasonToKeep(execution, rollback, record, ids) ?? rollback.judgement.objection);
      return kept === null;
    },
    ended: (inner, result) => {
      if (result.status === 'Success') decidedBy.push(...result.decidedBy);
      if (inner.descriptor.verdict !== null) judges.add(inner.step.name);
      rollback?.judgement.heard(inner, result, outputs, judges);
      if (inner.descriptor.effect !== 'read') acted = true;
      changes.push(...(inner.result?.changes ?? []));
      for (const target of inner.result?.targets ?? []) targets.add(target);
      failure = failureIn(result) ?? failure;
      if (result.status !== 'Success') return;
      if (inner.descriptor.removesRestorePoints !== null) removed = true;
      if (inner.descriptor.usesRestorePoints === null) return;
      used = true;
      for (const id of idsIn(inner.inputs, inner.descriptor.usesRestorePoints)) execution.used.add(id);
    },
  });
  const shown = { changes, targets: [...targets], note: '' };
  if (ran.status !== 'Success') {
    return {
      ...shown,
      result: 'failed',
      reason: '',
      failure: failure ?? {
        code: 'UNDO_FAILED',
        message: `the undo list ended ${ran.status}`,
        retryable: true,
      },
    };
  }
  if (kept !== null) return { ...shown, result: 'kept', reason: kept, failure: null };
  const hasRestorePoint = (record.result?.restorePoints.length ?? 0) > 0;
  if (hasRestorePoint && !removed && !used)
    return {
      ...shown,
      result: 'kept',
      reason: rollback?.judgement.objection ?? 'its undo list left it',
      failure: null,
    };
  return {
    ...shown,
    result: acted ? 'undone' : 'nothingToDo',
    reason: acted ? '' : 'its undo list had nothing to do',
    failure: null,
  };
}

function ending(result: UndoResult, reason: string): UndoEnding {
  return { result, reason, failure: null, changes: [], targets: [], note: '' };
}

/** What is there now is somebody else's work. */
export function leftAlone(what: string): UndoEnding {
  return ending('changedSince', `somebody has changed it since the step: ${what}`);
}

/** What is there now is somebody else's work, and the step had found everything as it wanted it. */
export function nothingOfIt(): UndoEnding {
  return ending('nothingToDo', 'it had changed nothing');
}

/** It was tried and failed, or was not to be tried. */
export function notUndone(failure: Failure): UndoEnding {
  return { ...ending('failed', ''), failure };
}
