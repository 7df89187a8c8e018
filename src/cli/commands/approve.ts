/** belay approve: says yes where an execution waits for approval. */
import { answer } from '../answer.ts';
import type { CommandBody } from '../command-spec.ts';

export const body: CommandBody = (cli, [prefix], options) => answer(cli, 'approve', prefix, options);
