/** What people have said to an execution that nobody runs: it is taken in by whoever goes on with it. */
import { nextStepSignal, type Waiting } from '../engine/index.ts';
import type { Journal, UntakenEntry } from '../journal/index.ts';
import { isJsonObject, type Json } from '../json.ts';

export interface Answered {
  /** The path of the step that was answered; null: what the execution asks as a whole. */
  readonly step: string | null;
  readonly word: AnsweredWord;
  /** Who said it; null: an earlier version wrote it down, and not by whom. */
  readonly by: string | null;
  /** In ms since 1970. */
  readonly saidAt: number;
}

export type AnsweredWord =
  | { readonly kind: 'goOn' | 'happened' | 'didNotHappen' | 'approve' | 'reject' }
  | { readonly kind: 'complete' | 'climbDown' | 'stay' }
  | { readonly kind: 'start'; readonly step: string };

interface Asked {
  readonly executionId: string;
  readonly isLive: boolean;
  readonly endedAt: number | null;
}

interface Waits {
  readonly waiting: Waiting | null;
  readonly waits: readonly { readonly at: string; readonly waiting: Waiting }[];
}

/** With what was said to it. A live runner takes a word in at once, so nobody is told of it there. */
export async function withAnswers<View extends Waits & Asked>(
  journal: Pick<Journal, 'untaken'>,
  view: View,
): Promise<View & { readonly answered?: readonly Answered[] }> {
  const asks = view.waits.length > 0 || view.waiting !== null;
  if (view.isLive || view.endedAt !== null || !asks) return view;
  const answered = answeredIn(view, await journal.untaken(view.executionId));
  return answered.length === 0 ? view : { ...view, answered };
}

/** Of all that no activity has taken, what answers something that is waited for. */
export function answeredIn({ waiting, waits }: Waits, untaken: readonly UntakenEntry[]): Answered[] {
  const asked = waits.map((wait): { at: string | null; waiting: Waiting } => wait);
  if (waiting?.kind === 'nextStep' || waiting?.kind === 'rollbackDecision') asked.push({ at: null, waiting });
  return asked.flatMap(({ at, waiting: wait }) => answersTo(at, wait, untaken));
}

/** Whether the wait is over as soon as somebody goes on: one answer ends it, and of approvals as many as it wants or one rejection. */
export function isSettled(waiting: Waiting, answers: readonly Answered[]): boolean {
  if (waiting.kind !== 'approval') return answers.length > 0;
  const isRejected = answers.some(({ word }) => word.kind === 'reject');
  return isRejected || waiting.given + answers.length >= waiting.wanted;
}

function answersTo(at: string | null, waiting: Waiting, untaken: readonly UntakenEntry[]): Answered[] {
  const said = (entry: UntakenEntry, word: AnsweredWord): Answered => ({
    step: at,
    word,
    by: entry.by ?? nameIn(entry.value),
    saidAt: entry.at,
  });
  const named = (name: string): UntakenEntry[] => untaken.filter((entry) => entry.name === name);
  switch (waiting.kind) {
    case 'pause':
    case 'unknownOutcome': {
      const yes = waiting.kind === 'pause' ? 'goOn' : 'happened';
      const no = waiting.kind === 'pause' ? 'reject' : 'didNotHappen';
      return named(`continue:${at}`)
        .slice(0, 1)
        .map((entry) => said(entry, { kind: entry.value === 'didNotHappen' ? no : yes }));
    }
    case 'approval':
      return named(`approve:${at}`).map((entry) =>
        said(entry, { kind: decisionIn(entry.value) === 'reject' ? 'reject' : 'approve' }),
      );
    case 'nextStep':
      return named(nextStepSignal)
        .flatMap((entry) => {
          const word = nextStepWord(entry.value, waiting);
          return word === undefined ? [] : [said(entry, word)];
        })
        .slice(0, 1);
    case 'rollbackDecision':
      return named('rollback')
        .slice(0, 1)
        .map((entry) => said(entry, { kind: entry.value === 'yes' ? 'climbDown' : 'stay' }));
    case 'sleep':
    case 'lock':
      return [];
    default:
      return waiting satisfies never;
  }
}

function nextStepWord(
  value: Json,
  { number, steps }: Extract<Waiting, { kind: 'nextStep' }>,
): AnsweredWord | undefined {
  if (!isJsonObject(value)) return undefined;
  const { complete, wait, step } = value;
  if (complete === true) return { kind: 'complete' };
  return wait === number && typeof step === 'string' && steps.includes(step)
    ? { kind: 'start', step }
    : undefined;
}

const decisionIn = (value: Json): Json | undefined => (isJsonObject(value) ? value['decision'] : undefined);

function nameIn(value: Json): string | null {
  const by = isJsonObject(value) ? value['by'] : undefined;
  return typeof by === 'string' ? by : null;
}
