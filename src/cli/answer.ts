/** belay approve and belay reject are one thing said two ways. */
import { resolve } from 'node:path';
import { requestFor } from '../runtime/approvals/request.ts';
import { meantWait } from '../runtime/below.ts';
import { Refusal } from '../runtime/refusal.ts';
import type { Cli } from './cli.ts';
import { exitCodes } from './exit-codes.ts';
import { handOver } from './hand-over.ts';
import { flagOf, textOf, type RawOptions } from './options.ts';

export async function answer(
  cli: Cli,
  decision: 'approve' | 'reject',
  prefix: string | undefined,
  options: RawOptions,
): Promise<number> {
  const belay = await cli.belay();
  if (flagOf(options, 'request')) {
    const id = await belay.find(prefix);
    const wait = meantWait(await belay.view(id), await belay.waits(id), textOf(options, 'step'));
    cli.out(
      requestFor(await belay.row(wait.view.executionId), wait, {
        stateDir: belay.stateDir,
        configurations: belay.configurations,
        env: cli.env,
      }),
    );
    return exitCodes.done;
  }
  const key = textOf(options, 'key');
  const aws = flagOf(options, 'aws');
  if (aws && key !== undefined) {
    throw new Refusal('usage', 'TWO_WAYS', '--key and --aws are two ways to sign; one is enough', {
      hint: 'nothing was recorded',
    });
  }
  const comment = textOf(options, 'comment') ?? '';
  const { view, step, isPrompt } = await belay.decide(await belay.find(prefix), textOf(options, 'step'), {
    decision,
    comment,
    ...(key === undefined ? {} : { key: resolve(cli.cwd, key) }),
    ...(aws ? { aws } : {}),
  });
  const word = decision === 'approve' ? 'approved' : 'rejected';
  const said = `${step} ${word}${isPrompt ? ' (a prompt, not signed)' : ''}`;
  handOver(cli, view, { live: said, recorded: said });
  return exitCodes.done;
}
