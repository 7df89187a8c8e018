/**
 * Handing a program to a shell in a session of its own, and the program of a wrapper: a shell that begins one command
 * and waits for it, where no worker is free or no connection lasts.
 */
import type { HostScript } from '../../host.ts';
import { commandFunctions, commandSettings } from './command.ts';
import { folderFunctions } from './folder.ts';
import { lookFunctions } from './follow.ts';
import { processFunctions } from './processes.ts';
import { shellQuote } from './quote.ts';
import type { HostShell } from './shell.ts';
import { block, readBlock } from './shell.ts';

/**
 * `setsid -f` is preferred to `&`, which would make the script ignore SIGINT and SIGQUIT for good; one that has no -f, or cannot
 * fork, fails before anything is read. What the shell reads comes from descriptor 6; its answer is complete when it closes its
 * output.
 */
export const launchFunctions = `
b_reader=${shellQuote(readBlock)}
b_launch() {
  b_answer=$(exec setsid -f "$b_sh" -c "$b_reader" <&6 2>/dev/null) ||
    b_answer=$(setsid "$b_sh" -c "$b_reader" <&6 2>/dev/null &)
  [ -n "$b_answer" ] || b_answer='refused STATE_UNUSABLE what waits for the command could not be started'
}
`;

/**
 * `named`: shell text that sets b_folder and b_token. `told` is run once the command has ended, with `b_now` and the sizes to be
 * found by `b_look`.
 */
export function wrapperProgram(shell: HostShell, named: string, script: HostScript, told = ''): Buffer {
  // Whoever waits for the end of these streams must not wait for the command.
  const talk = told === '' ? ' 3>&- 4>&- 5>&-' : '';
  return block(`exec 6<&- 7>&- 8>&- 9>&-${talk}
${folderFunctions(shell)}
b_say() { printf '%s\\n' "$*"; }
b_stage= b_offset_max=${Number.MAX_SAFE_INTEGER}
${processFunctions}${commandFunctions}${lookFunctions}
${named}
${commandSettings(script)}
b_setsid=$(command -v setsid) || { b_refuse TOOL_MISSING 'setsid (of util-linux) is missing'; exit 0; }
trap '' PIPE
b_open
b_self
b_place "$b_folder"
b_claim || exit 0
b_say begun
exec </dev/null >/dev/null 2>&1
b_wait
b_finish
${told}`);
}
