/** belay reject: says no where an execution waits for approval, or that an effect did not happen. */
import { answer } from '../answer.ts';
import type { CommandBody } from '../command-spec.ts';

export const body: CommandBody = (cli, [prefix], options) => answer(cli, 'reject', prefix, options);
