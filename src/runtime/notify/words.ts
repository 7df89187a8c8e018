/** What the terminal says of an execution, lent to messages: one account, told in the same words everywhere. */
import type { Waiting } from '../../engine/index.ts';
import type { ExecutionView } from '../execution-view.ts';

export interface PeopleWords {
  /** How it ended, what is left, and what to type. */
  ending(view: ExecutionView): readonly string[];
  /** What is waited for, and what to type. */
  waiting(
    executionId: string,
    step: string,
    waiting: Waiting,
  ): { readonly says: string; readonly commands: readonly string[] };
}
