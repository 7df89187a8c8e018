/** belay init: a commented belay.yaml and a first small runbook. Never overwrites. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal } from '../../runtime/refusal.ts';
import type { CommandBody } from '../command-spec.ts';
import { exitCodes } from '../exit-codes.ts';
import { configurationText, helloText } from '../first-files.ts';

export const body: CommandBody = (cli) => {
  const files = [
    { name: 'belay.yaml', text: configurationText },
    { name: 'hello.yaml', text: helloText },
  ];
  for (const { name, text } of files) {
    const isNew = write(join(cli.cwd, name), text);
    cli.talk(isNew ? `wrote ${name}` : `left ${name} as it is`);
  }
  cli.talk(
    '',
    '  belay validate hello.yaml     says whether it is sound',
    '  belay run hello.yaml          runs it',
  );
  return exitCodes.done;
};

/** False: it is there already. Throws Refusal where it cannot be written. */
function write(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    if (error.code === 'EEXIST') return false;
    throw new Refusal('usage', 'UNWRITABLE_FILE', `${path} cannot be written: ${error.message}`);
  }
}
