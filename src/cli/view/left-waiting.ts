/** What is said of an execution that was left while it waits for people. Pure. */
import { isAskedAsAWhole, type PersonWait } from '../../runtime/below.ts';
import type { ExecutionView } from '../../runtime/execution-view.ts';
import { isSettled, type Answered } from '../../runtime/answered.ts';
import { answeredText } from './answered-text.ts';
import { howItEnded } from './ending.ts';
import { printable } from './printable.ts';
import type { Style } from './style.ts';
import { waitingWords } from './waiting-lines.ts';

/** An execution that waits for a person: one that nobody runs any more has to be resumed as well. */
export function leftWaitingLines(
  view: ExecutionView,
  style: Style,
  waits: readonly AnyWait[] = ownWaits(view),
): string[] {
  const { executionId } = view;
  const [wait, ...others] = waits;
  if (others.length > 0) return sideBySideLines(view, waits, style);
  const { waiting, at } = wait === undefined ? view : { waiting: wait.waiting, at: wait.path };
  if (waiting === null) return ['Waiting.', ...goingOn(view)];
  const isBelow = wait !== undefined && wait.view.executionId !== executionId;
  const asked = { view, at: view.at, ...wait, path: at ?? 'rollback', waiting };
  const answers = answersTo(asked);
  const where = printable(at ?? '?');
  if (isSettled(waiting, answers))
    return [
      style.paint('warn', isAskedAsAWhole(waiting) ? 'Answered' : `Answered at ${where}`),
      ...answers.map((answer) => `  ${answeredText(answer)}`),
      ...goingOn(view, true),
    ];
  const { says, commands } = wordsOf(executionId, asked, isBelow);
  const asksItself = waiting.kind === 'rollbackDecision' && !isBelow;
  const head = asksItself
    ? howItEnded(view)
    : waiting.kind === 'lock' || waiting.kind === 'nextStep'
      ? 'Waiting'
      : `Waiting at ${where}`;
  return [
    style.paint('warn', `${head}: ${says}`),
    ...answers.map((answer) => `  ${answeredText(answer)}`),
    ...commands.map((command) => `  ${command}`),
    ...(asksItself ? [] : goingOn(view)),
  ];
}

/** Who runs it again behind the answer. */
function goingOn({ executionId, isLive, leftTo, child }: ExecutionView, isAnswered = false): string[] {
  if (isLive) return [];
  if (leftTo === 'daemon') return [`  ${isAnswered ? '' : 'and then  '}belay daemon goes on with it`];
  return [`  ${isAnswered ? 'it goes on with' : 'and then'}  belay resume ${child?.root ?? executionId}`];
}

/** What people have said to it that nobody has taken in yet. */
function answersTo({ view, at, waiting }: AnyWait): readonly Answered[] {
  const asked = isAskedAsAWhole(waiting) ? null : at;
  return (view.answered ?? []).filter(({ step }) => step === asked);
}

type AnyWait = Pick<PersonWait, 'view' | 'path' | 'waiting'> & { readonly at: string | null };

function ownWaits(view: ExecutionView): AnyWait[] {
  return view.waits.map(({ at, waiting }) => ({ view, at, path: at, waiting }));
}

/** A step is named from the execution shown; what an execution asks as a whole is answered by its own id. */
function wordsOf(executionId: string, { view, path, waiting }: AnyWait, whole: boolean) {
  const id = isAskedAsAWhole(waiting) ? view.executionId : executionId;
  return waitingWords(id, path, waiting, whole ? { whole } : {});
}

/** So many waits are told of. */
const waitsMax = 20;

/** Several steps wait, in lanes of a rolling or in executions below: each is named whole, so that each can be answered. */
function sideBySideLines(view: ExecutionView, waits: readonly AnyWait[], style: Style): string[] {
  const { executionId } = view;
  const more = waits.length - waitsMax;
  const isAnswered = waits.every((wait) => isSettled(wait.waiting, answersTo(wait)));
  return [
    style.paint('warn', `${isAnswered ? 'Answered' : 'Waiting'} at ${waits.length} steps`),
    ...waits.slice(0, waitsMax).flatMap((wait) => {
      const { says, commands } = wordsOf(executionId, wait, true);
      const answers = answersTo(wait).map((answer) => `    ${answeredText(answer)}`);
      if (isSettled(wait.waiting, answersTo(wait)))
        return [`  ${printable(wait.path)}: answered`, ...answers];
      return [
        `  ${printable(wait.path)}: ${says}`,
        ...answers,
        ...commands.map((command) => `    ${command}`),
      ];
    }),
    ...(more > 0 ? [`  and at ${more} more: belay show ${executionId} --json`] : []),
    ...goingOn(view, isAnswered),
  ];
}
