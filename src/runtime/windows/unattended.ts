/**
 * What of a task would want a person in the middle of the night. Approvals and steps that nothing takes back are said beforehand, by
 * the window's Approval (`belay window approve`); what cannot be said beforehand does not run unattended.
 */
import { actions, describeStep } from '../../actions/index.ts';
import { resolveInputs, type Document, type Step } from '../../document/index.ts';
import { approvalsOf, plan, type Program } from '../../engine/index.ts';
import type { Inventory } from '../../inventory/index.ts';
import type { JsonObject } from '../../json.ts';
import type { RunbookTask, Window } from '../../windows/index.ts';
import { parameterScope } from '../parameter-scope.ts';

export interface Unattended {
  /** Steps that the window's approval answers, or lets happen: what whoever says yes should know. */
  readonly said: readonly { readonly path: string; readonly what: string }[];
  readonly problems: readonly Unanswered[];
}

export interface Unanswered {
  readonly code: 'WAITS_FOR_A_PERSON' | 'CANNOT_BE_UNDONE';
  readonly message: string;
  readonly hint: string;
}

export interface UnattendedOptions {
  readonly approval: Window['approval'];
  readonly inventory: Inventory | null;
  /** Of the run, as far as they are known; pseudo parameters in their places. */
  readonly parameters: JsonObject;
}

export function unattended(
  task: Pick<RunbookTask, 'cutoffBehavior'>,
  document: Document,
  options: UnattendedOptions,
): Unattended {
  const program = plan(document, (step) => describeStep(actions, step));
  const said: { path: string; what: string }[] = [];
  const problems: Unanswered[] = [];
  if (document.rollback.when === 'ask') {
    problems.push({
      code: 'WAITS_FOR_A_PERSON',
      message: 'its rollback asks a person whether to climb down, and nobody is there at night',
      hint: 'rollback: { when: onFailure } in the runbook',
    });
  }
  for (const { step, path } of forwardSteps(document.mainSteps, '')) {
    const asks = asksAt(step, path, program, options);
    if (asks === 'answered') said.push({ path, what: 'asks for an approval' });
    else if (asks !== null) problems.push(asks);
    const final = finalAt(step, path, program);
    if (final === null || task.cutoffBehavior !== 'CLIMB_DOWN') continue;
    if (options.approval !== null) said.push({ path, what: `cannot be taken back: ${final}` });
    else {
      problems.push({
        code: 'CANNOT_BE_UNDONE',
        message: `${path} changes what nothing takes back (${final}), so the task could not climb down`,
        hint: 'Give the step an undo, say `undo: { none: why }` in it, or give the window an Approval, so that somebody says yes before it begins.',
      });
    }
  }
  return { said, problems };
}

/** Null: it asks nobody. */
function asksAt(
  step: Step,
  path: string,
  program: Program,
  { approval, inventory, parameters }: UnattendedOptions,
): Unanswered | 'answered' | null {
  const waits = (why: string, hint: string): Unanswered => ({
    code: 'WAITS_FOR_A_PERSON',
    message: `${path} ${why}`,
    hint,
  });
  switch (program.descriptors[path]?.flow) {
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

/** Steps of the way forward, nested ones too, with their places in the document. */
function* forwardSteps(
  steps: readonly Step[],
  prefix: string,
): Generator<{ readonly step: Step; readonly path: string }> {
  for (const step of steps) {
    const path = prefix + step.name;
    yield { step, path };
    for (const [list, nested] of Object.entries(step.nested ?? {}))
      yield* forwardSteps(nested, `${path}/${list}/`);
  }
}
