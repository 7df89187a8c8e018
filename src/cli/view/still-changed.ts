/** The account of an execution in words: what is different, what may be, and why it was not undone. Pure. */
import {
  accountOf,
  changedByUndo as changesByUndo,
  isByWord,
  isDifferent,
  netChanges,
  standingChanges,
  standingTargets,
  type Change,
  type StepAccount,
  type StepState,
} from '../../engine/index.ts';
import type { ExecutionView } from '../../runtime/execution-view.ts';
import { shortVersions, targetsText, valueText } from './change-text.ts';
import { clockText } from './durations.ts';
import { printable } from './printable.ts';

export interface Leftover {
  readonly target: string;
  /** `postgresql-15 is 15.20, was 15.18`. */
  readonly what: string;
  /** Why it is still so; empty where nothing was tried. */
  readonly why: string;
  /** Nobody can tell whether anything is different. */
  readonly isUnsure: boolean;
}

/** What heads a list of what is left: no more than all of it together is known to be. */
export function leftoverHeading(left: readonly Leftover[], below: number): string {
  if (left.some(({ isUnsure }) => !isUnsure)) return 'Still changed:';
  return left.length + below > 0 ? 'What may be changed:' : 'Still there:';
}

export function stillChanged(view: ExecutionView): Leftover[] {
  const standing = accountOf(view).steps.filter(({ stands }) => stands);
  const told = standing
    .filter((each) => !isOthers(each))
    .flatMap((each) => standingChanges(each).map((change) => ({ ...change, why: whyOf(each) })));
  const net = netChanges([...told, ...puttingBack(standing, told)]);
  return [...net.map(leftoverOf), ...changedByUndo(view), ...untold(standing, net), ...outdated(view)];
}

/** What stays, or may, because its author wrote that it needs no undo. */
export function leftByWord(view: ExecutionView): Leftover[] {
  const own = accountOf(view).steps.filter(isByWord);
  const told = own.flatMap((each) => each.step.changes.map((change) => ({ ...change, why: whyOf(each) })));
  const net = netChanges(told);
  return [...net.map(leftoverOf), ...untold(own, net)];
}

/** Processes that go on with what was taken back: nobody restarts them unasked. */
export function outdated({ outdated: processes }: Pick<ExecutionView, 'outdated'>): Leftover[] {
  return processes.map(({ target, pid, name, unit, path }) => ({
    target: printable(target),
    what: `${printable(name)} (${[`pid ${pid}`, ...(unit === '' ? [] : [printable(unit)])].join(', ')}) still runs ${printable(path)}`,
    why: 'as it was before it was taken back',
    isUnsure: false,
  }));
}

/** What undo lists that failed have done all the same before they failed, or since: it is not as the steps left it. */
function puttingBack(
  standing: readonly StepAccount[],
  told: readonly Change[],
): (Change & { readonly why: string })[] {
  const keys = new Set(told.map(keyOf));
  return standing
    .toSorted((left, right) => (left.undo?.startedAt ?? 0) - (right.undo?.startedAt ?? 0))
    .flatMap((each) =>
      each.undo?.result === 'failed'
        ? each.undo.steps.flatMap(({ changes }) => changes.map((change) => ({ ...change, why: whyOf(each) })))
        : [],
    )
    .filter((change) => keys.has(keyOf(change)));
}

const keyOf = ({ target, subject }: Change): string => JSON.stringify([target, subject]);

/** What is there now is not what the step left: it is named by what was found, not by what the step told. */
const isOthers = ({ undo }: StepAccount): boolean => undo?.result === 'changedSince';

function leftoverOf({ target, subject, from, to, why }: Change & { readonly why: string }): Leftover {
  const short = shortVersions(from, to);
  const is = to === null ? 'is gone' : `is ${valueText(short.to)}`;
  const was = from === null ? 'was absent' : `was ${valueText(short.from)}`;
  return { target: printable(target), what: `${printable(subject)} ${is}, ${was}`, why, isUnsure: false };
}

/** What the undo itself made different, as a volume from a snapshot in the place of another. */
export function changedByUndo(view: ExecutionView): Leftover[] {
  return changesByUndo(view).map((change) => leftoverOf({ ...change, why: '' }));
}

/** Steps that stand and told nothing of what they may have changed; those with one reason are told together. */
function untold(standing: readonly StepAccount[], shown: readonly Change[]): Leftover[] {
  const shownKeys = new Set(shown.map(keyOf));
  const groups = new Map<string, Leftover & { readonly names: string[] }>();
  for (const each of standing) {
    const { step, undo, certainty } = each;
    const isOpen = certainty === 'unsure' || (undo !== undefined && !isByWord(each));
    const own = netChanges(standingChanges(each));
    const isCause = undo?.result === 'failed' && undo.failure?.code !== 'UNDO_NEEDED';
    // Told above, or put back meanwhile; but a failure that others wait for is told in any case.
    const isTold = own.length > 0 && (!isCause || own.some((change) => shownKeys.has(keyOf(change))));
    if (!isOpen || (isTold && !isOthers(each))) continue;
    const target = targetsText(standingTargets(each));
    const why = whyOf(each);
    const { what, isUnsure } = untoldWords(each);
    const key = JSON.stringify([target, what, why]);
    const group = groups.get(key) ?? { target, what, why, isUnsure, names: [] };
    group.names.push(printable(step.name));
    groups.set(key, group);
  }
  return [...groups.values()].map(({ names, ...each }) => ({
    ...each,
    what: `${names.join(', ')} ${each.what}`,
  }));
}

function untoldWords({ undo, way, step }: StepAccount): Pick<Leftover, 'what' | 'isUnsure'> {
  const known = (what: string) => ({ what, isUnsure: false });
  const unsure = (what: string) => ({ what, isUnsure: true });
  if (undo?.result === 'failed')
    return known(
      undo.steps.some(({ changes }) => changes.some(isDifferent)) ? 'was undone in part' : 'was not undone',
    );
  if (undo?.result === 'changedSince') return known('was left alone');
  if (undo?.result === 'running') return unsure('may have changed something');
  if (way.kind === 'none' || undo !== undefined) return unsure('may have left something behind');
  return unsure(`may have changed something${howItStands(step)}`);
}

/** Why nobody can tell: nothing came to its end that could have told. */
function howItStands({ status, acted }: StepState): string {
  if (status === 'InProgress' || status === 'Waiting') return ': it has begun, and its end is not known';
  if (acted === 'unknown') return ': it began, and how far it came is not known';
  return '';
}

const noUndo = (reason: string) => `no undo: ${printable(reason)}`;

function whyOf({ undo, way, step }: StepAccount): string {
  if (step.reach?.kind === 'harmless') return noUndo(step.reach.reason);
  if (undo === undefined) return way.kind === 'none' ? noUndo(way.reason) : '';
  if (undo.result === 'running') return 'its undo had begun, and its end is not known';
  if (undo.failure?.code === 'REJECTED') return printable(undo.failure.message);
  if (undo.failure !== null) return `undo failed: ${printable(undo.failure.message)}`;
  if (undo.result === 'changedSince') return printable(undo.reason);
  return undo.result === 'leftOver' ? noUndo(undo.reason) : '';
}

/** Steps that acted, cannot tell what they changed, and that nothing takes back. */
export function untoldSteps(view: ExecutionView): string[] {
  return accountOf(view)
    .unsure.filter(({ way }) => way.kind === 'none')
    .map(({ step }) => step.name);
}

/** Steps that may have changed something, and that a rollback takes back. */
export function unsureSteps(view: ExecutionView): string[] {
  return accountOf(view)
    .unsure.filter(({ way }) => way.kind === 'rollback')
    .map(({ step }) => step.name);
}

/** Steps that said what they changed, and have no undo for it. */
export function stepsWithoutUndo(view: ExecutionView): string[] {
  return accountOf(view)
    .steps.filter(
      ({ step, way, stands }) => stands && way.kind === 'none' && netChanges(step.changes).length > 0,
    )
    .map(({ step }) => step.name);
}

/** How many things the forward flow changed, and where. */
export function changedCount(view: ExecutionView): { readonly count: number; readonly targets: string[] } {
  const { told } = accountOf(view);
  return { count: told.length, targets: [...new Set(told.map(({ target }) => target))] };
}

/** Restore points that are still there by what was told, as `snap-0a17 (02:14:09)`. */
export function keptRestorePoints(view: ExecutionView): string[] {
  return accountOf(view).restorePoints.map(
    ({ id, at }) => `${printable(id)}${at === null ? '' : ` (${clockText(at)})`}`,
  );
}
