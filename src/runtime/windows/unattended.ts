/**
 * What of a task would want a person in the middle of the night, in its runbook and in those that its steps run. Approvals and steps
 * that nothing takes back are said beforehand, by the window's Approval (`belay window approve`); what cannot be said beforehand does
 * not run unattended.
 */
import { actions, describeStep } from '../../actions/index.ts';
import { resolveInputs, type Document, type Step } from '../../document/index.ts';
import { approvalsOf, plan, type Program } from '../../engine/index.ts';
import type { Inventory } from '../../inventory/index.ts';
import type { JsonObject } from '../../json.ts';
import type { RunbookTask, Window } from '../../windows/index.ts';
import { parameterScope } from '../parameter-scope.ts';
import {
  forwardSteps,
  runbooksOf,
  type ReadRunbook,
  type TaskRunbook,
  type UnreadRunbook,
} from './task-runbooks.ts';

export interface Unattended {
  /** Steps that the window's approval answers, or lets happen: what whoever says yes should know. */
  readonly said: readonly { readonly path: string; readonly what: string }[];
  readonly problems: readonly Unanswered[];
}

export interface Unanswered {
  readonly code: 'WAITS_FOR_A_PERSON' | 'CANNOT_BE_UNDONE' | 'BAD_RUNBOOK';
  readonly message: string;
  readonly hint: string;
}

export interface UnattendedOptions {
  readonly approval: Window['approval'];
  readonly inventory: Inventory | null;
  /** Of the run, as far as they are known; pseudo parameters in their places. */
  readonly parameters: JsonObject;
  readonly read: ReadRunbook;
}

export function unattended(
  task: Pick<RunbookTask, 'cutoffBehavior' | 'runbook'>,
  document: Document,
  options: UnattendedOptions,
): Unattended {
  const { inventory, parameters, read } = options;
  const said: Said[] = [];
  const problems: Unanswered[] = [];
  if (document.rollback.when === 'ask') {
    problems.push({
      code: 'WAITS_FOR_A_PERSON',
      message: 'its rollback asks a person whether to climb down, and nobody is there at night',
      hint: 'rollback: { when: onFailure } in the runbook',
    });
  }
  const { runbooks, unread } = runbooksOf(
    { file: task.runbook, document, parameters },
    { read, folders: inventory?.runbookFolders ?? [] },
  );
  const isToClimbDown = task.cutoffBehavior === 'CLIMB_DOWN';
  for (const runbook of runbooks) {
    for (const found of stepsThatAsk(runbook, isToClimbDown, options))
      if ('code' in found) problems.push(found);
      else said.push(found);
  }
  for (const each of unread) {
    const found = unseen(each, isToClimbDown, options.approval);
    if (found === null) continue;
    if ('code' in found) problems.push(found);
    else said.push(found);
  }
  return { said, problems };
}

type Said = Unattended['said'][number];

function* stepsThatAsk(
  runbook: TaskRunbook,
  isToClimbDown: boolean,
  options: UnattendedOptions,
): Generator<Said | Unanswered> {
  const { document, prefix, parameters, climbsDown } = runbook;
  const program = plan(document, (step) => describeStep(actions, step));
  for (const { step, path: inside } of forwardSteps(document.mainSteps, '')) {
    const path = prefix + inside;
    const asks = asksAt(step, { path, inside }, program, { ...options, parameters });
    if (asks === 'answered') yield { path, what: 'asks for an approval' };
    else if (asks !== null) yield asks;
    const final = finalAt(step, inside, program);
    if (final === null || !isToClimbDown || !climbsDown) continue;
    if (options.approval !== null) yield { path, what: `cannot be taken back: ${final}` };
    else {
      yield {
        code: 'CANNOT_BE_UNDONE',
        message: `${path} changes what nothing takes back (${final}), so the task could not climb down`,
        hint: 'Give the step an undo, say `undo: { none: why }` in it, or give the window an Approval, so that somebody says yes before it begins.',
      };
    }
  }
}

/** Of a runbook that nobody can look into beforehand. Null: it matters to nobody. */
function unseen(
  { kind, path, why, climbsDown }: UnreadRunbook,
  isToClimbDown: boolean,
  approval: Window['approval'],
): Said | Unanswered | null {
  if (kind === 'broken')
    return { code: 'BAD_RUNBOOK', message: `${path} ${why}`, hint: 'belay validate tells all of it' };
  if (!isToClimbDown || !climbsDown) return null;
  const what =
    kind === 'service'
      ? `${why}, which does not tell what it changed, so nothing takes it back`
      : `${why}, so nobody can say what it asks, and whether it can be taken back`;
  if (approval !== null) return { path, what };
  return {
    code: 'CANNOT_BE_UNDONE',
    message: `${path} ${what}`,
    hint:
      kind === 'service'
        ? 'Give the step an undo, say `undo: { none: why }` in it, or give the window an Approval, so that somebody says yes before it begins.'
        : 'Name a runbook that is a file here, give the step an undo, or give the window an Approval, so that somebody says yes before it begins.',
  };
}

/** Null: it asks nobody. */
function asksAt(
  step: Step,
  { path, inside }: { readonly path: string; readonly inside: string },
  program: Program,
  { approval, inventory, parameters }: UnattendedOptions,
): Unanswered | 'answered' | null {
  const waits = (why: string, hint: string): Unanswered => ({
    code: 'WAITS_FOR_A_PERSON',
    message: `${path} ${why}`,
    hint,
  });
  switch (program.descriptors[inside]?.flow) {
    case 'pause':
      return waits(
        'is a pause, which waits for a person, and nobody can go on with it beforehand',
        'Use aws:approve, which the Approval of the window answers.',
      );
    case 'approve':
      break;
    default:
      return null;
  }
  if (approval === null) {
    return waits(
      'waits for a person, and nobody is there at night',
      'Give the window an Approval, so that it is said before it begins.',
    );
  }
  if ((inventory?.approvals ?? null) !== null) {
    return waits(
      'wants a signature, since belay.yaml names approvers, and a word that is said for the window is none',
      'Take the step out of what runs at night.',
    );
  }
  const resolved = resolveInputs(step.inputs, parameterScope(parameters));
  // What is known only when it runs is looked at then; where it is not enough, a person is told.
  if (!resolved.ok) return 'answered';
  const { approvers, wanted } = approvalsOf(resolved.value as JsonObject);
  const strangers = approval.approvers.filter((name) => !approvers.includes(name)).length;
  const sure = Math.max(0, approval.minRequired - strangers);
  if (sure >= wanted) return 'answered';
  return waits(
    `wants ${wanted} of ${approvers.join(', ') || 'nobody'}, and the window's Approval (${approval.minRequired} of ${approval.approvers.join(', ')}) makes sure of ${sure}`,
    'Name the same people in both.',
  );
}

/** Why nothing takes the step back; null: something does, or its author says why nothing has to. */
function finalAt(step: Step, path: string, program: Program): string | null {
  const descriptor = program.descriptors[path];
  if (descriptor === undefined || descriptor.flow !== null || descriptor.effect === 'read') return null;
  if (step.undo.kind !== 'auto' || descriptor.undo.kind !== 'none' || !descriptor.undo.leavesChange)
    return null;
  return descriptor.undo.reason;
}
