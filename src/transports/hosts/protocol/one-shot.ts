/**
 * Requests as whole programs of their own, for a transport that keeps no connection: SSM. The same functions as in a
 * keeper; only who waits is another, and the reply has the form that ReplyReader reads.
 */
import type { HostScript, OutputOffsets } from '../../host.ts';
import { commandFunctions } from './command.ts';
import { folderFunctions } from './folder.ts';
import { forgetFunctions, lookFunctions, stopFunctions } from './follow.ts';
import { launchFunctions, wrapperProgram } from './launch.ts';
import { processFunctions } from './processes.ts';
import type { HostShell } from './shell.ts';
import { block } from './shell.ts';

const talk = `
exec 3>&1 6<&0
b_say() { b_last=$*; printf '= %s\\n' "$*"; }
b_head() { printf '%s %s\\n' "$1" "$2"; }
# A reply that is cut off is asked for again.
b_torn() { exit 1; }
b_lock() { :; }
b_unlock() { :; }
`;

/** Waits on the host, because asking again is dear. */
const poll = `
b_poll() {
  b_waited=0 b_pause=2 b_left=$b_budget_all
  while :; do
    b_look "$b_out" "$b_err" "$b_left" "$b_upto"
    b_out=$((b_out + b_sent_out)) b_err=$((b_err + b_sent_err)) b_left=$((b_left - b_sent_out - b_sent_err))
    b_more=no
    [ "$b_size_out" -le "$b_out" ] || [ "$b_out" -ge "$b_upto" ] || b_more=yes
    [ "$b_size_err" -le "$b_err" ] || [ "$b_err" -ge "$b_upto" ] || b_more=yes
    if [ $b_more = yes ]; then
      [ $b_left -gt 0 ] && continue
      b_now='running -'
      break
    fi
    case $b_now in running*) ;; *) break ;; esac
    [ $b_waited -lt $b_wait ] || break
    if [ $b_pause -lt 10 ]; then b_sleep 0.0$b_pause; else b_sleep 0.$b_pause; fi
    b_waited=$((b_waited + b_pause)) b_pause=$((b_pause * 2))
    [ $b_pause -le 50 ] || b_pause=50
  done
  case $b_now in absent* | 'vanished closed') ;; *) printf 's %s %s\\n' "$b_size_out" "$b_size_err" ;; esac
  b_say "$b_now"
}
`;

export interface PollLimits {
  readonly from: OutputOffsets;
  readonly waitMs: number;
  /** The most bytes of both streams together that one reply carries. */
  readonly bytesMax: number;
  /** Where each stream is cut: nothing from this offset on is sent. */
  readonly offsetMax: number;
}

function program(shell: HostShell, nonce: string, parts: readonly string[]): string {
  return [
    folderFunctions(shell),
    talk,
    processFunctions,
    commandFunctions,
    lookFunctions,
    `printf '%s\\n' ${nonce}`,
    'b_open',
    '[ -n "$b_root" ] || { b_refuse STATE_UNUSABLE "$b_shut"; exit 0; }',
    ...parts,
  ].join('\n');
}

function pollSettings({ from, waitMs, bytesMax, offsetMax }: PollLimits): string {
  return `${poll}
b_out=${from.stdout} b_err=${from.stderr} b_wait=${Math.ceil(waitMs / 10)} b_budget_all=${bytesMax} b_upto=${offsetMax}`;
}

export function startRequest(
  shell: HostShell,
  folder: string,
  nonce: string,
  command: { readonly token: string; readonly script: HostScript },
  then = 'b_say "$b_answer"',
): Buffer {
  const launcher = program(shell, nonce, [
    `command -v setsid >/dev/null || { b_refuse TOOL_MISSING 'setsid (of util-linux) is missing'; exit 0; }`,
    launchFunctions,
    'b_launch',
    `case $b_answer in begun | already) ;; *) b_say "$b_answer"; exit 0 ;; esac`,
    `b_place ${folder}`,
    then,
  ]);
  return Buffer.concat([block(launcher), wrapperProgram(shell, { ...command, folder })]);
}

/** A reading script under a token of its own: started, followed, and forgotten once all that it printed has been sent. */
export function readDetachedRequest(
  shell: HostShell,
  nonce: string,
  script: HostScript,
  limits: PollLimits,
): Buffer {
  const then = `${pollSettings(limits)}
${forgetFunctions}
b_poll
case $b_last in exited* | vanished*) b_forget ${nonce} >/dev/null ;; esac`;
  return startRequest(shell, nonce, nonce, { token: nonce, script }, then);
}

export function pollRequest(shell: HostShell, folder: string, nonce: string, limits: PollLimits): Buffer {
  return block(program(shell, nonce, [`b_place ${folder}`, pollSettings(limits), 'b_poll']));
}

export function stopRequest(shell: HostShell, folder: string, nonce: string): Buffer {
  return block(program(shell, nonce, [stopFunctions, `b_place ${folder}`, 'b_stop']));
}

export function forgetRequest(shell: HostShell, folder: string, nonce: string): Buffer {
  return block(program(shell, nonce, [forgetFunctions, `b_forget ${folder}`]));
}
