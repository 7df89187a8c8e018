/** Runs an execution in the foreground: the view while it goes, what Ctrl-C means, the ending, the exit code. */
import type { RecordedEvent } from '../engine/index.ts';
import type { Belay } from '../runtime/belay.ts';
import { toldFromAbove } from '../runtime/below.ts';
import type { ExecutionView } from '../runtime/execution-view.ts';
import type { OnWait } from '../runtime/run-options.ts';
import type { Cli } from './cli.ts';
import { DecisionQuestion } from './decision-question.ts';
import { endedOf, exitCodeOf, exitCodes, rollbackExitCodeOf, type ExitCode } from './exit-codes.ts';
import { Interruption } from './interruption.ts';
import { NextStepQuestion } from './next-step-question.ts';
import { eventBelowJson, eventJson } from './view/event-json.ts';
import { endingLines, stoppedLines } from './view/ending.ts';
import { leftWaitingLines } from './view/left-waiting.ts';
import { recapLines } from './view/recap-lines.ts';
import { outputLines } from './view/output-lines.ts';
import { liveScreen, plainScreen, silentScreen, type Screen } from './view/screen.ts';

export interface FrontOptions {
  readonly json: boolean;
  /** Stay while it waits for a person. */
  readonly wait: boolean;
  /** Leave wherever it waits: the daemon goes on with it. */
  readonly toDaemon?: boolean;
  /** Whose table the exit code comes from. */
  readonly endsAs: 'run' | 'rollback';
  /** What stands above everything. */
  readonly head: readonly string[];
}

/** Throws Refusal and JournalFailure. */
export async function runInFront(
  cli: Cli,
  belay: Belay,
  id: string,
  options: FrontOptions,
): Promise<ExitCode> {
  const screen = await openScreen(cli, id, options.json);
  screen.recall(await belay.events(id));
  screen.say(options.head);
  const interruption = new Interruption(id, screen, (lines) => cli.talk(...lines));
  const mayAsk = cli.canAsk && !options.json;
  const question = new DecisionQuestion(belay, id, { screen, interruption, mayAsk });
  const nextStep = new NextStepQuestion(belay, id, { screen, interruption, mayAsk });
  const onEvent = (event: RecordedEvent): void => {
    if (options.json) cli.out(`${eventJson(id, event)}\n`);
    screen.tell(event);
    question.hear(event);
    nextStep.hear(event);
  };
  try {
    const before = await belay.view(id);
    if (before.waiting?.kind === 'rollbackDecision') question.ask(before.waiting.steps);
    if (before.waiting?.kind === 'nextStep') nextStep.ask(before.waiting);
    const ending = await belay.run(id, {
      onEvent,
      onBelow: (event) => {
        if (options.json) cli.out(`${eventBelowJson(id, event)}\n`);
        const told = toldFromAbove(event);
        if (told !== undefined) screen.tell(told);
      },
      onNotice: (step, text) => screen.notice(step, text),
      onTold: (text) => screen.say([text]),
      onWait: onWaitOf(options, mayAsk),
      leave: interruption.leave,
    });
    await question.close();
    await nextStep.close();
    screen.close();
    const view = await belay.view(id);
    if (ending.kind === 'ended') return tellEnding(cli, view, options);
    if (ending.reason === 'waiting') {
      cli.talk(...leftWaitingLines(view, cli.style, await belay.waits(id)));
      return exitCodes.waiting;
    }
    cli.talk(...stoppedLines(view, cli.style));
    return interruption.exitCode;
  } finally {
    await question.close();
    await nextStep.close();
    screen.close();
    interruption.close();
  }
}

function onWaitOf({ wait, toDaemon = false }: FrontOptions, mayAsk: boolean): OnWait {
  if (toDaemon) return 'leaveToDaemon';
  if (!wait) return 'leave';
  return mayAsk ? 'stay' : 'leaveUndecided';
}

async function openScreen(cli: Cli, executionId: string, json: boolean): Promise<Screen> {
  const options = { executionId, style: cli.style, now: cli.now };
  if (json) return silentScreen(options);
  if (cli.canMove) return liveScreen(options, process.stderr);
  return plainScreen(options, (text) => cli.talk(text.trimEnd()));
}

function tellEnding(cli: Cli, view: ExecutionView, { json, endsAs }: FrontOptions): ExitCode {
  if (!json) {
    if (endsAs === 'run' && view.status === 'Success') cli.out(outputLines(view.outputs));
    cli.talk(...recapLines(view), ...endingLines(view, cli.style));
  }
  if (endsAs === 'rollback' || view.drift.length > 0) return rollbackExitCodeOf(view);
  return exitCodeOf(endedOf(view));
}
