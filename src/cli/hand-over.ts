/** What became of something said to an execution: a live runner has it, or it waits for the next one. */
import type { ExecutionView } from '../runtime/execution-view.ts';
import type { Cli } from './cli.ts';

export function handOver(
  cli: Cli,
  { executionId, isLive, runner, leftTo, child }: ExecutionView,
  words: { readonly live: string; readonly recorded: string },
): void {
  if (isLive) {
    const who = runner === null ? 'its runner' : `its runner (pid ${runner.pid} on ${runner.host})`;
    cli.talk(`${executionId}: handed over to ${who}, ${words.live}.`);
    return;
  }
  if (leftTo === 'daemon') {
    cli.talk(`${executionId}: ${words.recorded}. Nobody is running it now; belay daemon goes on with it.`);
    return;
  }
  cli.talk(
    `${executionId}: ${words.recorded}. Nobody is running it now:`,
    `  belay resume ${child?.root ?? executionId}`,
  );
}
