/**
 * The last lines of a run: how it ended, what is different now, what to type next. Pure. The last line on the screen is
 * the one that matters.
 */
import {
  accountOf,
  mayRunAgain,
  stayingByWord,
  unsureBelow,
  type Account,
  type Failure,
  type Repeated,
} from '../../engine/index.ts';
import { isClimbingDown, type ExecutionView } from '../../runtime/execution-view.ts';
import { targetsText } from './change-text.ts';
import { clockText, durationText } from './durations.ts';
import { failureText } from './event-lines.ts';
import { shellWord } from '../../runtime/visible.ts';
import { printable } from './printable.ts';
import {
  changedByUndo,
  changedCount,
  keptRestorePoints,
  leftByWord,
  leftoverHeading,
  outdated,
  stepsWithoutUndo,
  stillChanged,
  unsureSteps,
  untoldSteps,
  type Leftover,
} from './still-changed.ts';
import type { Style } from './style.ts';
import { asBeforeText, namesText, ranLines, ranText } from './taken-back-text.ts';

export function endingLines(view: ExecutionView, style: Style): string[] {
  if (view.repeated !== null) return repeatedLines(view, view.repeated, style);
  if (view.drift.length > 0 && mayRunAgain(view)) return driftLines(view, style);
  if (view.refused !== null) return refusedLines(view, view.refused, style);
  switch (view.rollbackStatus) {
    case 'clean':
      return cleanLines(view, style);
    case 'partial':
    case 'failed':
      return uncleanLines(view, style);
    case 'notRequested':
    case 'running':
    case 'waiting':
      return view.status === 'Success' ? doneLines(view, style) : failedLines(view, style);
    default:
      return view.rollbackStatus satisfies never;
  }
}

function doneLines(view: ExecutionView, style: Style): string[] {
  const account = accountOf(view);
  const { count, targets } = changedCount(view);
  const untold = untoldSteps(view);
  const unsure = unsureSteps(view);
  const kept = keptRestorePoints(view);
  const took = style.paint('good', doneText(view));
  if (account.isNothingLeft) return [`${took} ${unchangedText(account)}`];
  const points =
    kept.length === 1 ? [`Restore point ${kept[0]} stays`] : [`Restore points ${kept.join(', ')} stay`];
  const what = [
    ...(count === 0 ? [] : [`${count} changed on ${targetsText(targets)}`]),
    ...(unsure.length === 0 ? [] : [`${namesText(unsure)} may have changed something`]),
    ...(kept.length === 0 ? [] : points),
  ].map((sentence) => ` ${sentence}.`);
  const back = account.isWholeTakenBack ? 'takes everything back.' : 'takes back what has an undo.';
  const next = account.offersRollback ? ` belay rollback ${view.executionId} ${back}` : '';
  const said = what.join('');
  // What stays and the way back are one thought.
  const joined = kept.length > 0 && next !== '' ? `${said.slice(0, -1)};` : said;
  return [...untoldLines(untold), ...ranLines(account), `${took}${joined}${next}`];
}

/** What did not run is told where a person had it end there. */
function doneText(view: ExecutionView): string {
  const took = durationText(lastEndedAt(view) - (view.startedAt ?? view.createdAt));
  if (view.wasCompleted !== true) return `Done in ${took}.`;
  const notRun = view.steps.flatMap(({ status, name }) => (status === 'Pending' ? [name] : []));
  const rest =
    notRun.length === 0 ? '' : `; ${namesText(notRun)} ${notRun.length === 1 ? 'was' : 'were'} not run`;
  return `Ended by belay complete after ${took}${rest}.`;
}

/** Of a run that left nothing different, as far as anybody can tell: what that rests on. */
function unchangedText(account: Account): string {
  const { isUntouched, steps } = account;
  if (isUntouched) return 'Nothing was changed.';
  const namesOf = (certainty: Account['steps'][number]['certainty']) =>
    steps.filter((each) => each.certainty === certainty).map(({ step }) => step.name);
  const seen = namesOf('seenAsBefore');
  // What ran below it and told nothing is named by itself.
  const isSilent = new Set(steps.flatMap(({ step }) => (step.byWord === undefined ? [] : [step.name])));
  const told = namesOf('told').filter((name) => !isSilent.has(name));
  const words = stayingByWord(account).ran.map(({ step }) => step);
  const at = steps.find(({ certainty }) => certainty === 'seenAsBefore')?.looked?.at;
  const clock = at === undefined ? '' : ` at ${clockText(at)}`;
  return [
    ...(told.length === 0
      ? []
      : [`${namesText(told)} left no change, by what ${told.length === 1 ? 'it' : 'they'} told.`]),
    ...(seen.length === 0 ? [] : [`${namesText(seen)} looked at again${clock}: as before.`]),
    ...(words.length === 0 ? [] : [`${ranText(words)}.`]),
  ].join(' ');
}

/** Nothing may call a command harmless of which nobody knows what it did. */
function untoldLines(names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const [what, who] = names.length === 1 ? ['it', 'its author knows'] : ['they', 'their authors know'];
  return [`  only ${who} what ${what} changed: ${names.map(printable).join(', ')}`];
}

function failedLines(view: ExecutionView, style: Style): string[] {
  const left = stillChanged(view);
  const kept = keptRestorePoints(view);
  const head = style.paint(
    'bad',
    `${howItEnded(view)}${view.failedStep === null ? '' : `: ${whyItFailed(view)}`}`,
  );
  const why = `  why   ${logsCommand(view)}`;
  const account = accountOf(view);
  const below = unsureBelow(account);
  if (left.length + kept.length + below.length === 0)
    return [
      head,
      account.isUntouched ? 'Nothing is left changed.' : `Nothing is left changed: ${unchangedText(account)}`,
      why,
    ];
  const undone = view.rollback.length === 0 ? 'Nothing was undone.' : 'Its rollback did not come to its end.';
  return [
    head,
    `${undone} ${leftoverHeading(left, below.length)}`,
    ...leftoverLines(left),
    ...ranLines(account),
    ...keptLines(kept),
    why,
    `  next  ${nextAfterFailure(view)}`,
  ];
}

/** What Belay can take back it offers to take back; nobody is sent to a rollback that can do nothing. */
function nextAfterFailure(view: ExecutionView): string {
  if (!mayRunAgain(view)) return inTheHandsOfPeople(view);
  const { offersRollback, isWholeTakenBack } = accountOf(view);
  if (!offersRollback) {
    const below = unsureBelow(accountOf(view)).map(({ step }) => step);
    const names = [...untoldSteps(view), ...stepsWithoutUndo(view), ...below];
    if (names.length > 0) return byHand(view, names);
    return `remove what is kept once nobody needs it; belay show ${view.executionId} has it all`;
  }
  return isWholeTakenBack
    ? `belay rollback ${view.executionId} takes it back`
    : `belay rollback ${view.executionId} takes back what has an undo`;
}

/** No rollback is named where each would be refused. */
function inTheHandsOfPeople({ closing }: ExecutionView): string {
  return closing === null
    ? 'nothing takes it back any more: what was kept for that is being removed'
    : `nothing more is taken back: ${printable(closing.by)} has ${closing.kind} it: ${printable(closing.why)}`;
}

const byHand = ({ executionId }: ExecutionView, names: readonly string[]) =>
  `look at what ${names.map(printable).join(', ')} left, as nothing takes it back; belay show ${executionId} has it all`;

function cleanLines(view: ExecutionView, style: Style): string[] {
  const took = durationText(rollbackMs(view));
  const asBefore = asBeforeText(view);
  const but = changedByUndo(view).map(({ target, what }) => `  but ${target}  ${what}`);
  const kept = keptLines(keptRestorePoints(view));
  if (view.status === 'Success')
    return [...but, ...kept, `${style.paint('good', `Rolled back clean in ${took}.`)}${asBefore}`];
  const head = `${style.paint('warn', `${howItEnded(view)}, rolled back clean in ${took}.`)}${asBefore}`;
  return [head, ...but, ...kept, `  why   ${logsCommand(view)}`];
}

function uncleanLines(view: ExecutionView, style: Style): string[] {
  const word = view.rollbackStatus === 'failed' ? 'FAILED' : 'PARTIAL';
  const head = view.status === 'Success' ? `Rollback ${word}.` : `${howItEnded(view)}, rollback ${word}.`;
  const left = stillChanged(view);
  const account = accountOf(view);
  return [
    style.paint('bad', `${head} ${leftoverHeading(left, unsureBelow(account).length)}`),
    ...leftoverLines(left),
    ...ranLines(account),
    ...keptLines(keptRestorePoints(view)),
    `  next: ${nextAfterUnclean(view)}`,
  ];
}

function nextAfterUnclean(view: ExecutionView): string {
  if (!mayRunAgain(view)) return inTheHandsOfPeople(view);
  const failed = view.rollback.filter(({ result }) => result === 'failed');
  const alone = view.rollback.filter(({ result }) => result === 'changedSince');
  const [only] = failed;
  if (only === undefined && alone.length > 0) {
    const [other] = alone;
    const step = alone.length === 1 && other !== undefined ? ` --step ${shellWord(other.name)}` : '';
    return `look at it; to overwrite it all the same  belay rollback ${view.executionId}${step} --force`;
  }
  if (only === undefined) {
    if (view.outdated.length > 0)
      return `restart what still runs it; belay rollback ${view.executionId} looks again`;
    const names = view.rollback.filter(({ result }) => result === 'leftOver').map(({ name }) => name);
    return names.length === 0
      ? `belay rollback ${view.executionId} takes back the rest`
      : byHand(view, names);
  }
  const step = failed.length === 1 ? ` --step ${shellWord(only.name)}` : '';
  const again = `belay rollback ${view.executionId}${step}`;
  return failed.every(({ failure }) => failure?.code === 'REJECTED')
    ? `${again} asks again`
    : `when that is put right  ${again}`;
}

/** Nothing is claimed that was not looked at in this very command. */
function repeatedLines(view: ExecutionView, { at, steps }: Repeated, style: Style): string[] {
  const differing = steps.filter(({ found }) => found === 'different');
  const when = view.rolledBackAt === null ? '' : ` at ${clockText(view.rolledBackAt)}`;
  const already =
    view.rolledBackAt === null
      ? `${view.executionId} has left nothing to take back.`
      : `${view.executionId} was rolled back${when} already.`;
  const seen = steps.map(({ step, found, difference }) => {
    const where = targetsText(view.steps.find(({ name }) => name === step)?.targets ?? []);
    const what =
      found === 'asBefore'
        ? 'as it was before'
        : found === 'unread'
          ? 'was not looked at'
          : `is not as it was before: ${printable(difference)}`;
    return `  ${[printable(step), where].filter((part) => part !== '').join(' on ')}  ${what}`;
  });
  return [
    style.paint(differing.length + view.outdated.length === 0 ? 'good' : 'warn', already),
    ...(steps.length === 0 ? [] : [`Looked again at ${clockText(at)}:`, ...seen]),
    ...leftoverLines(outdated(view)),
    ...leftoverLines(leftByWord(view)),
    ...ranLines(accountOf(view)),
    'Nothing was done.',
  ];
}

function driftLines(view: ExecutionView, style: Style): string[] {
  const steps = view.drift.map(({ step }) => printable(step)).join(', ');
  const what = view.drift.flatMap((each) =>
    each.what === undefined || each.what === '' ? [] : [`  ${printable(each.step)}: ${printable(each.what)}`],
  );
  return [
    style.paint(
      'bad',
      `Refused: since the run ended, somebody changed what ${steps} left. Nothing was undone.`,
    ),
    ...what,
    `  to undo it all the same  belay rollback ${view.executionId} --force`,
  ];
}

/** Nothing of what the locks are for has begun. */
function refusedLines(view: ExecutionView, { code, message }: Failure, style: Style): string[] {
  const what = view.steps.some(({ startedAt }) => startedAt !== null) ? 'undone' : 'started';
  const head = code === 'LOCKED' ? printable(message) : failureText({ code, message });
  return [style.paint('bad', `Refused: ${head}.`), `Nothing was ${what}, nothing was changed.`];
}

/** Ctrl-C, once. */
export function stoppedLines(view: ExecutionView, style: Style): string[] {
  const { executionId } = view;
  return [
    style.paint('warn', `Stopped${view.at === null ? '' : ` at ${printable(view.at)}`}; its state is saved.`),
    isClimbingDown(view)
      ? `  go on climbing down  belay resume ${executionId}`
      : `  go on  belay resume ${executionId}     climb down  belay cancel ${executionId}`,
  ];
}

export function howItEnded({ status, failedStep, triggeredAlarm }: ExecutionView): string {
  const at = failedStep === null ? '' : ` at ${printable(failedStep)}`;
  switch (status) {
    case 'Success':
      return 'Done';
    case 'TimedOut':
      return `Timed out${at}`;
    case 'Cancelled':
      return triggeredAlarm === undefined
        ? `Cancelled${at}`
        : `Cancelled${at} by the alarm ${printable(triggeredAlarm.name)}, ${triggeredAlarm.state}`;
    case 'Failed':
      return `Failed${at}`;
    default:
      return status;
  }
}

function whyItFailed({ steps, failedStep, status }: ExecutionView): string {
  const failure = steps.find(({ name }) => name === failedStep)?.failure;
  return failure === null || failure === undefined ? status : failureText(failure);
}

function logsCommand({ executionId, failedStep }: ExecutionView): string {
  return `belay logs ${executionId}${failedStep === null ? '' : ` --step ${shellWord(failedStep)}`}`;
}

function keptLines(kept: readonly string[]): string[] {
  return kept.map((point) => `  kept: restore point ${point}`);
}

function leftoverLines(left: readonly Leftover[]): string[] {
  const targetWidth = Math.max(0, ...left.map(({ target }) => target.length));
  const whatWidth = Math.max(0, ...left.filter(({ why }) => why !== '').map(({ what }) => what.length));
  return left.map(({ target, what, why }) =>
    `  ${target.padEnd(targetWidth)}  ${what.padEnd(whatWidth)}     ${why}`.trimEnd(),
  );
}

function lastEndedAt({ steps, endedAt, startedAt, createdAt }: ExecutionView): number {
  return (
    Math.max(startedAt ?? createdAt, ...steps.map((step) => step.endedAt ?? 0)) || (endedAt ?? createdAt)
  );
}

function rollbackMs({ rollback }: ExecutionView): number {
  if (rollback.length === 0) return 0;
  const from = Math.min(...rollback.map(({ startedAt }) => startedAt));
  return Math.max(...rollback.map(({ endedAt }) => endedAt ?? from)) - from;
}
