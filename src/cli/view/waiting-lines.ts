/** What an execution waits for, and what to type. */
import type { Waiting } from '../../engine/index.ts';
import { clockText, limitText } from './durations.ts';
import { shellWord } from '../../runtime/visible.ts';
import { printable } from './printable.ts';

export interface WaitingWords {
  /** What is waited for. */
  readonly says: string;
  /** What to type, one command per line, with what it means. */
  readonly commands: readonly string[];
}

/** Of a step by its path; `step` is left out of commands where it says nothing. */
export function waitingWords(
  executionId: string,
  step: string,
  waiting: Waiting,
  { whole = step.includes('@') }: { readonly whole?: boolean } = {},
): WaitingWords {
  const name = whole ? step : step.slice(step.lastIndexOf('/') + 1);
  const at = `${executionId} --step ${shellWord(name)}`;
  switch (waiting.kind) {
    case 'approval': {
      const who = waiting.approvers.map(printable).join(', ');
      const count = `${waiting.wanted - waiting.given} of ${waiting.wanted} wanted`;
      const until = `expires in ${limitText(waiting.timeoutSeconds)}`;
      const refused =
        waiting.refused === undefined ? '' : `; the last answer did not count: ${printable(waiting.refused)}`;
      const how = waiting.signed === true ? 'signed' : 'a prompt, not signed';
      return {
        says: `${printable(waiting.message) || 'waits for approval'}${refused}`,
        commands: [`approve with  belay approve ${at}     (${who}; ${count}; ${how}; ${until})`],
      };
    }
    case 'pause': {
      const limit = limitText(waiting.timeoutSeconds);
      if (waiting.message !== undefined) {
        return {
          says: printable(waiting.message),
          commands: [`go on with  belay continue ${at}     (expires in ${limit})`],
        };
      }
      return {
        says: `waits until somebody says go on, at most ${limit}`,
        commands: [`go on with  belay continue ${at}`],
      };
    }
    case 'sleep':
      return { says: `sleeps for ${limitText(waiting.seconds)}`, commands: [] };
    case 'unknownOutcome':
      return {
        says: `nobody knows whether it happened: ${printable(waiting.message)}`,
        commands: [`it happened:        belay continue ${at}`, `it did not happen:  belay reject ${at}`],
      };
    case 'lock':
      return {
        says: `waits for ${printable(waiting.lock)}, held by ${printable(waiting.holder)} since ${clockText(waiting.since)}, at most ${limitText(waiting.timeoutSeconds)}`,
        commands: [],
      };
    case 'nextStep': {
      const [next = '', ...others] = waiting.steps.map(printable);
      const another =
        others.length === 0
          ? []
          : [`another step:       belay continue ${executionId} --step NAME     (${others.join(', ')})`];
      return {
        says: `${next} is next; nothing runs before somebody says so`,
        commands: [
          `start it:           belay continue ${executionId}`,
          ...another,
          `end here:           belay complete ${executionId}`,
          `stop, climb down:   belay cancel ${executionId}`,
        ],
      };
    }
    case 'rollbackDecision':
      return {
        says: `undo ${[...waiting.steps].map(printable).join(', ')}?`,
        commands: [
          `climb down:         belay rollback ${executionId}`,
          `leave it as it is:  belay cancel ${executionId}`,
        ],
      };
    default:
      return waiting satisfies never;
  }
}
