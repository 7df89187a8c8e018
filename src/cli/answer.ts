/** belay approve and belay reject are one thing said two ways. */
import { resolve } from 'node:path';
import type { Cli } from './cli.ts';
import { exitCodes } from './exit-codes.ts';
import { handOver } from './hand-over.ts';
import { textOf, type RawOptions } from './options.ts';

export async function answer(
  cli: Cli,
  decision: 'approve' | 'reject',
  prefix: string | undefined,
  options: RawOptions,
): Promise<number> {
  const belay = await cli.belay();
  const key = textOf(options, 'key');
  const comment = textOf(options, 'comment') ?? '';
  const { view, step } = await belay.decide(await belay.find(prefix), textOf(options, 'step'), {
    decision,
    comment,
    ...(key === undefined ? {} : { key: resolve(cli.cwd, key) }),
  });
  const word = decision === 'approve' ? 'approved' : 'rejected';
  handOver(cli, view, { live: `${step} ${word}`, recorded: `${step} ${word}` });
  return exitCodes.done;
}
