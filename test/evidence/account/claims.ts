/** Compares every claim that Belay makes of an execution with the world that it left. */
import { expect } from 'vitest';
import { endedOf, exitCodeOf } from '../../../src/cli/exit-codes.ts';
import { endingLines } from '../../../src/cli/view/ending.ts';
import { showLines } from '../../../src/cli/view/show-lines.ts';
import { makeStyle } from '../../../src/cli/view/style.ts';
import type { Reach } from '../../../src/engine/events.ts';
import { accountOf, type StepAccount } from '../../../src/engine/index.ts';
import type { ExecutionView } from '../../../src/runtime/execution-view.ts';
import { untrueOf, type Places } from './sentences.ts';

const style = makeStyle({ color: false, unicode: true });

/** By its author's word it needs no undo: what it leaves is not a claim of Belay's. */
const isByWord = ({ step, certainty }: StepAccount): boolean =>
  certainty === 'byWord' || (step.reach?.kind === 'harmless' && certainty !== 'nothing');

/** What a list takes back only its author knows. */
const isOfList = (reach: Reach | undefined): boolean => reach?.kind === 'undone' && reach.by === 'list';

/** `changed`: what of the world is not as it was before the execution, by the world's own state. */
export function expectClaimsHold(
  view: ExecutionView,
  { changed, places }: { readonly changed: readonly string[]; readonly places: Places },
  about: string,
): void {
  const account = accountOf(view);
  const ending = endingLines(view, style).join('\n');
  const says = `${about}\n${ending}\nworld:\n${changed.join('\n')}\n`;
  expect(showLines(view, style, Date.now()).join('\n'), says).toContain(ending);
  const isChanged = changed.length > 0;
  // By their authors' words they leave nothing; what they do is not a claim of Belay's.
  const hasWord = account.steps.some(isByWord);
  const hasList = account.steps.some(
    ({ step, certainty }) => isOfList(step.reach) && certainty !== 'nothing',
  );
  const untrue = untrueOf(endingLines(view, style), {
    changed,
    places,
    began: new Set(view.steps.filter(({ startedAt }) => startedAt !== null).map(({ name }) => name)),
    restorePoints: account.restorePoints.map(({ id }) => id),
    hasWord,
    hasList,
  });
  expect(untrue, says).toEqual([]);
  if (account.isUntouched) expect(changed, says).toEqual([]);
  if (isChanged && !hasWord) {
    expect(account.isNothingLeft && view.rollbackStatus !== 'clean', says).toBe(false);
    const exit = exitCodeOf(endedOf(view));
    expect([8, 9], says).not.toContain(exit);
  }
  // A second rollback claims nothing but what it saw in that very command.
  if (view.rollbackStatus === 'clean' && view.repeated === null && !hasWord && !hasList) {
    const isNamed = (line: string): boolean =>
      account.restorePoints.some(({ id }) => line.includes(id)) || ending.includes('  but ');
    expect(
      changed.filter((line) => !isNamed(line)),
      says,
    ).toEqual([]);
  }
  // A rollback is offered where the world has something that an undo takes back, and only where one would be tried.
  const takesBack = account.steps.some(({ way, stands }) => way.kind === 'rollback' && stands);
  if (
    isChanged &&
    takesBack &&
    !hasWord &&
    account.isWholeTakenBack &&
    view.rollbackStatus === 'notRequested'
  )
    expect(account.offersRollback, says).toBe(true);
  if (account.offersRollback && ['notRequested'].includes(view.rollbackStatus))
    expect(ending, says).toContain(`belay rollback ${view.executionId}`);
}
