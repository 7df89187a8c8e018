/**
 * Requests as whole programs of their own, for a transport that keeps no connection: SSM. The same functions as in a
 * keeper; only who waits is another, and the reply has the form that ReplyReader reads.
 *
 * A program is the same for all hosts that are asked the same. What differs between them goes ahead of it in a small block.
 */
import type { HostScript, OutputOffsets } from '../../host.ts';
import { commandFunctions } from './command.ts';
import { folderFunctions } from './folder.ts';
import { forgetFunctions, lookFunctions, stopFunctions } from './follow.ts';
import { launchFunctions, wrapperProgram } from './launch.ts';
import { processFunctions } from './processes.ts';
import type { HostShell } from './shell.ts';
import { shellQuote } from './quote.ts';
import { block, readBlock } from './shell.ts';

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

/** What one host is told beside the program. */
export interface OwnSettings {
  readonly nonce: string;
  /** What is asked about; left out where nothing is. */
  readonly folder?: string;
  readonly token?: string;
  readonly from?: OutputOffsets;
  readonly waitMs?: number;
  /** Folders of commands that have ended: they are removed first. */
  readonly forget?: readonly string[];
}

/** It evaluates the block behind it. The two in capitals reach the shell that waits for the command. */
export function ownBlock({
  nonce,
  folder = '',
  token = '',
  from,
  waitMs = 0,
  forget = [],
}: OwnSettings): Buffer {
  const { stdout = 0, stderr = 0 } = from ?? {};
  return block(`b_nonce=${nonce} b_out=${stdout} b_err=${stderr} b_wait=${Math.ceil(waitMs / 10)} b_done=${shellQuote(forget.join(' '))}
BELAY_FOLDER=${folder} BELAY_TOKEN=${shellQuote(token)}; export BELAY_FOLDER BELAY_TOKEN
${readBlock}`);
}

export interface PollLimits {
  /** The most bytes of both streams together that one reply carries. */
  readonly bytesMax: number;
  /** Where each stream is cut: nothing from this offset on is sent. */
  readonly offsetMax: number;
}

function program(shell: HostShell, parts: readonly string[]): string {
  return [
    folderFunctions(shell),
    talk,
    processFunctions,
    commandFunctions,
    lookFunctions,
    forgetFunctions,
    `printf '%s\\n' "$b_nonce"`,
    'b_open',
    '[ -n "$b_root" ] || { b_refuse STATE_UNUSABLE "$b_shut"; exit 0; }',
    '[ -z "$b_done" ] || b_forget $b_done >/dev/null',
    ...parts,
  ].join('\n');
}

const placed = 'b_place "$BELAY_FOLDER"';

function pollSettings({ bytesMax, offsetMax }: PollLimits): string {
  return `${poll}
b_budget_all=${bytesMax} b_upto=${offsetMax}`;
}

/** Begins the command and follows it as a poll does: one that ends soon is begun, waited for and read by one request. */
export function startRequest(shell: HostShell, script: HostScript, limits: PollLimits, then = ''): Buffer {
  const launcher = program(shell, [
    `command -v setsid >/dev/null || { b_refuse TOOL_MISSING 'setsid (of util-linux) is missing'; exit 0; }`,
    launchFunctions,
    'b_launch',
    `case $b_answer in begun | already) ;; *) b_say "$b_answer"; exit 0 ;; esac`,
    placed,
    pollSettings(limits),
    'b_poll',
    then,
  ]);
  const named = 'b_folder=$BELAY_FOLDER b_token=$BELAY_TOKEN; unset BELAY_FOLDER';
  return Buffer.concat([block(launcher), wrapperProgram(shell, named, script)]);
}

/** A reading script under a token of its own: started, followed, and forgotten once all that it printed has been sent. */
export function readDetachedRequest(shell: HostShell, script: HostScript, limits: PollLimits): Buffer {
  const then = 'case $b_last in exited* | vanished*) b_forget "$BELAY_FOLDER" >/dev/null ;; esac';
  return startRequest(shell, script, limits, then);
}

export function pollRequest(shell: HostShell, limits: PollLimits): Buffer {
  return block(program(shell, [placed, pollSettings(limits), 'b_poll']));
}

export function stopRequest(shell: HostShell): Buffer {
  return block(program(shell, [stopFunctions, placed, 'b_stop']));
}

/** Those of `forget` are gone by then. */
export function forgetRequest(shell: HostShell): Buffer {
  return block(program(shell, ['b_forget ${BELAY_FOLDER:+"$BELAY_FOLDER"}']));
}
