/** What people said of an occurrence, as the store keeps it: a yes with what it was said to. */
import type { WindowStore, WordRow } from '../../journal/index.ts';
import { anyChange, type ApprovalFact, type TaskContents } from '../../windows/index.ts';
import { contentsIn } from './stored.ts';

/** `now`: what its tasks are now. */
export function approvalsIn(words: readonly WordRow[], now: TaskContents): readonly ApprovalFact[] {
  return words.flatMap(({ kind, by }): ApprovalFact[] => {
    if (kind === 'reject') return [{ by, answer: 'no' }];
    if (kind !== 'approve') return [];
    const then = contentsSaidBy(by, words);
    const why = then === null ? 'it was given to a Belay that kept no hashes' : anyChange(then, now);
    return [why === null ? { by, answer: 'yes' } : { by, answer: 'outdated', why }];
  });
}

/** Null: nobody knows what that yes was said to. */
function contentsSaidBy(by: string, words: readonly WordRow[]): TaskContents | null {
  const word = words.find((each) => each.kind === 'approved-content' && each.by === by);
  return word === undefined ? null : (contentsIn(word.value) ?? null);
}

export type SaidYes =
  | { readonly kind: 'known' }
  /** `change`: what is otherwise than what the same person had said yes to before. */
  | { readonly kind: 'said'; readonly change: string | null; readonly files: readonly string[] };

/** What the yes is said to is written first: a yes without it counts for nothing. Said again of something else, it is said of that. */
export function sayYes(
  store: WindowStore,
  about: string,
  word: { readonly by: string; readonly why: string; readonly at: number; readonly to: TaskContents },
): SaidYes {
  const { by, why, at, to } = word;
  const words = store.words(about);
  const isKnown = words.some((each) => each.kind === 'approve' && each.by === by);
  const then = isKnown ? contentsSaidBy(by, words) : null;
  const change = then === null ? null : anyChange(then, to);
  if (then !== null && change === null) return { kind: 'known' };
  store.sayAgain(about, { kind: 'approved-content', by, value: JSON.stringify(to), at });
  store.say(about, { kind: 'approve', by, value: why, at });
  const files = new Set(Object.values(to).flatMap((task) => Object.keys(task.files)));
  return { kind: 'said', change, files: [...files].toSorted() };
}
